"""Write transactions in PostgreSQL: one at a time over all servers of an installation, as in a SQLite file.

A lock of the database, taken first and held until the commit, puts them in a row. So what a transaction reads is what
it changes, no two wait for each other, and the verbs above need not know which database they write to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg
import msgspec

from dayfill.store.db import Row, Touched, Touching, Tx, Values
from dayfill.store.postgresql.connecting import connect, told
from dayfill.store.postgresql.statements import STATEMENTS

WRITE_LOCK = 0x6461_7966_0001
"""Key of the advisory lock that a write transaction holds. One database holds one installation."""
CHANNEL = "dayfill"
"""Where a commit is told to the other servers."""
TAKE_TURN = f"SELECT pg_advisory_xact_lock({WRITE_LOCK})"
_BEGIN = f"BEGIN; {TAKE_TURN}"
_LONGEST_NOTICE = 7_000
"""PostgreSQL takes less than 8,000 bytes."""


class PostgresTx(Touching):
    """The open transaction of a writer's connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        super().__init__()
        self._connection = connection

    async def one(self, query: str, /, **values: object) -> Row | None:
        statement = STATEMENTS[query]
        row: Row | None = await self._connection.fetchrow(statement.text, *statement.arguments(values))
        return row

    async def all(self, query: str, /, **values: object) -> list[Row]:
        statement = STATEMENTS[query]
        rows: list[Row] = await self._connection.fetch(statement.text, *statement.arguments(values))
        return rows

    async def scan(self, query: str, /, **values: object) -> list[Row]:
        return await self.all(query, **values)

    async def run(self, query: str, /, **values: object) -> int:
        statement = STATEMENTS[query]
        told = await self._connection.execute(statement.text, *statement.arguments(values))
        return int(told.rpartition(" ")[2])

    async def many(self, query: str, rows: Sequence[Values], /) -> list[Row]:
        if not rows:
            return []
        statement = STATEMENTS[query]
        if statement.takes_lists:
            found = await self._connection.fetch(statement.text, *statement.lists(rows))
        else:
            found = await self._connection.fetchmany(statement.text, [statement.arguments(row) for row in rows])
        return list(found)


_LOOK_FOR_US = """
DO $$ BEGIN
  PERFORM set_config('client_connection_check_interval', '1s', false);
EXCEPTION WHEN invalid_parameter_value THEN NULL;
END $$"""
"""A statement whose connection is gone, since a cancel came too early or we were killed, ends and lets others write.

Where PostgreSQL cannot look, as on Windows, it goes on to its end.
"""


class Writer:
    """A connection for writes, opened when it is needed and again after it broke off; one transaction at a time.

    name: of this server, in what it tells the others. on_commit: told on the event loop what a commit has touched.
    """

    def __init__(self, dsn: str, name: str, on_commit: Callable[[Touched], None]) -> None:
        self._dsn, self._name, self._on_commit = dsn, name, on_commit
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None

    async def _ready(self) -> asyncpg.Connection:
        """The connection, which may be a new one."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._dsn)
            await self._connection.execute(_LOOK_FOR_US)
        return self._connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        async with self._turn:
            with told():
                connection = await self._ready()
            with told(connection):
                tx = PostgresTx(connection)
                try:
                    await connection.execute(_BEGIN)
                    yield tx
                    await self._commit(connection, tx.touched)
                finally:
                    await self._clean(connection)
            self._on_commit(tx.touched)

    async def _commit(self, connection: asyncpg.Connection, touched: Touched) -> None:
        # A task that is cancelled now hears of it after the commit: cut off in the middle it would know nothing of it.
        ending = asyncio.create_task(self._end(connection, touched))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            while not ending.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([ending])
            ending.result()
            raise

    async def _end(self, connection: asyncpg.Connection, touched: Touched) -> None:
        try:
            await connection.execute(f"NOTIFY {CHANNEL}, '{self._notice(touched)}'; COMMIT")
        except asyncpg.InFailedSQLTransactionError as error:  # somebody has caught what the statement raised
            raise AssertionError("A statement of the change had failed, so nothing of it was kept.") from error

    def _notice(self, touched: Touched) -> str:
        days = {str(one): None if moved is None else sorted(moved) for one, moved in touched.items()}
        text = msgspec.json.encode([self._name, days]).decode()
        if len(text) > _LONGEST_NOTICE:
            text = msgspec.json.encode([self._name, dict.fromkeys(days)]).decode()
        return text if len(text) <= _LONGEST_NOTICE else msgspec.json.encode([self._name, None]).decode()

    async def _clean(self, connection: asyncpg.Connection) -> None:
        """Also after a commit that failed, or a task cancelled while it began: the next one starts clean."""
        if connection.is_closed() or not connection.is_in_transaction():
            return
        try:
            async with asyncio.timeout(5):
                await connection.execute("ROLLBACK")
        except Exception:  # it does not answer: the next one makes another
            connection.terminate()

    async def close(self) -> None:
        async with self._turn:
            if self._connection is not None and not self._connection.is_closed():
                await self._connection.close(timeout=5)
