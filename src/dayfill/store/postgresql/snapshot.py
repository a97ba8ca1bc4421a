"""One moment of a state in PostgreSQL, for looks from outside a server: nothing is changed, not even the schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dayfill.errors import SetupError
from dayfill.store.db import Reader
from dayfill.store.migrations import migrations
from dayfill.store.postgresql.connecting import check, first_connection, told
from dayfill.store.postgresql.migrating import schema_number
from dayfill.store.postgresql.writing import PostgresTx


@asynccontextmanager
async def snapshot(dsn: str) -> AsyncIterator[Reader]:
    """The state as it is now, for as long as the block lasts.

    Raises:
        SetupError: it cannot be reached, it holds no state, or that of another version of dayfill.
    """
    connection = await first_connection(dsn)
    with told(connection):
        try:
            await check(connection)
            known, found = migrations("postgresql")[-1].number, await schema_number(connection)
            if found != known:
                raise SetupError(
                    f"The state database has schema {found}, and this version of dayfill reads schema {known}: start a "
                    "server of this version once, which brings an older one up to date, or use the newer version."
                )
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield PostgresTx(connection)
        finally:
            await connection.close(timeout=5)
