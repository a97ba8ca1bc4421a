"""Numbered, forward-only migrations of the state in PostgreSQL; all servers that start wait for the first of them."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg

from dayfill.errors import SetupError
from dayfill.store.migrations import applied, migrations

MIGRATE_LOCK = 0x6461_7966_0002
_STEPS = (
    "CREATE TABLE IF NOT EXISTS schema_steps (number BIGINT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"
)


async def schema_number(connection: asyncpg.Connection) -> int:
    """The number of the schema; 0 in a database that holds no state."""
    if await connection.fetchval("SELECT to_regclass('schema_steps') IS NULL"):
        return 0
    return int(await connection.fetchval("SELECT coalesce(max(number), 0) FROM schema_steps"))


async def migrate(connection: asyncpg.Connection, failpoint: Callable[[str], None]) -> int:
    """Bring the database up to this version's schema; each step is one transaction. Returns the schema's number.

    Raises:
        SetupError: a newer version has written it, its user may make no tables in it, or another program has some.
    """
    known = migrations("postgresql")
    # It may take long, and whoever comes second waits as long.
    await connection.execute(f"SET lock_timeout = 0; SELECT pg_advisory_lock({MIGRATE_LOCK})")
    try:
        current = await schema_number(connection)
        if current > known[-1].number:
            raise SetupError(
                f"The state database was written by a newer version of dayfill (schema {current}, this version knows "
                f"{known[-1].number}): start that version, or restore an older copy."
            )
        for step in known:
            if step.number > current:
                async with connection.transaction():
                    await connection.execute(_STEPS)
                    await connection.execute(step.text)
                    await connection.execute("INSERT INTO schema_steps (number) VALUES ($1)", step.number)
                    applied(failpoint)
    except asyncpg.InsufficientPrivilegeError:
        raise SetupError("The user of the state database may make no tables in it: make the user its owner.") from None
    except (asyncpg.DuplicateTableError, asyncpg.DuplicateObjectError) as error:
        raise SetupError(
            f"The state database belongs to another program as well ({error}): name one that is empty, or give the "
            "user a schema of its own (search_path)."
        ) from None
    except asyncpg.InvalidSchemaNameError:
        raise SetupError(
            "The user of the state database has no schema to make tables in: set the user's search_path to one."
        ) from None
    finally:
        if not connection.is_closed():
            await connection.execute(f"SELECT pg_advisory_unlock({MIGRATE_LOCK}); RESET lock_timeout")
    return known[-1].number
