"""The state database in PostgreSQL, through asyncpg: any number of servers read, one transaction at a time writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import asyncpg

from dayfill.seams import Seams
from dayfill.store.db import Database, Reader, Row, Touched, Tx
from dayfill.store.postgresql.connecting import check, connect, first_connection, is_gone, pool, told
from dayfill.store.postgresql.leading import Leading, LeadingWriter
from dayfill.store.postgresql.listening import Listener
from dayfill.store.postgresql.migrating import migrate
from dayfill.store.postgresql.writing import PostgresTx, Writer

READERS = 8
"""Reads at one moment; more wait their turn, which is short."""

Answer = TypeVar("Answer")


class PostgresDatabase:
    """A PostgreSQL database, open for as long as the server lives.

    name: of this server, unlike any other. chance: from 0 to 1, anew at each call.
    """

    def __init__(self, dsn: str, name: str, readers: asyncpg.Pool, chance: Callable[[], float]) -> None:
        self._dsn = dsn
        self._readers = readers
        self._listeners: list[Callable[[Touched], None]] = []
        self._of_others: list[Callable[[], None]] = []
        self._writer = Writer(dsn, name, self._tell)
        self._leader = LeadingWriter(dsn, name, self._tell)
        self._listener = Listener(dsn, name, self._tell, self._tell_of_others, chance)
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, dsn: str, seams: Seams) -> PostgresDatabase:
        """Bring the schema up to date, then be ready.

        Raises:
            SetupError: it cannot be reached, is too old, or holds the state of a newer version of dayfill.
            Busy: it restarts meanwhile.
        """
        connection = await first_connection(dsn)
        try:
            with told(connection):
                await check(connection)
                await migrate(connection, seams.failpoint)
        finally:
            await connection.close()
        return cls(dsn, seams.new_id().hex, await pool(dsn, READERS), seams.chance.random)

    async def one(self, query: str, /, **values: object) -> Row | None:
        return await self._read(lambda tx: tx.one(query, **values))

    async def all(self, query: str, /, **values: object) -> list[Row]:
        return await self._read(lambda tx: tx.all(query, **values))

    async def scan(self, query: str, /, **values: object) -> list[Row]:
        return await self._read(lambda tx: tx.all(query, **values))

    async def _read(self, read: Callable[[Reader], Awaitable[Answer]]) -> Answer:
        """A read changes nothing: one that met a connection of before a restart is made again on a new one."""
        with told():
            try:
                async with self._readers.acquire() as connection:
                    return await read(PostgresTx(connection))
            except Exception as error:
                if not is_gone(error):
                    raise
            await self._readers.expire_connections()
            async with self._readers.acquire() as connection:
                return await read(PostgresTx(connection))

    def write(self) -> AbstractAsyncContextManager[Tx]:
        return self._writer.write()

    def on_commit(self, listener: Callable[[Touched], None]) -> None:
        self._listeners.append(listener)

    def _tell(self, touched: Touched) -> None:
        if touched:
            for listener in self._listeners:
                listener(touched)

    def leading(self) -> Database:
        return Leading(self, self._leader)

    def on_others(self, listener: Callable[[], None]) -> None:
        self._of_others.append(listener)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listener.run())

    def _tell_of_others(self) -> None:
        for listener in self._of_others:
            listener()

    def log_bytes(self) -> int:
        """None of it is ours: PostgreSQL looks after its own log."""
        return 0

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        connection = await connect(self._dsn)
        with told(connection):
            try:
                await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                yield PostgresTx(connection)
            finally:
                await connection.close(timeout=5)

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await self._leader.close()
        await self._writer.close()
        try:
            async with asyncio.timeout(5):
                await self._readers.close()
        except TimeoutError:
            self._readers.terminate()
