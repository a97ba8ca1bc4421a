"""Which of several servers dispatches: the one whose session holds a lock, through which all that it does is written.

A session that ends lets go of its lock, so a server that lost it cannot write. One that hangs keeps its session: it
says every few seconds that it is alive, and one that has not said so for long is put out by who takes its place.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, suppress

import asyncpg
import structlog

from dayfill.errors import NotLeading
from dayfill.store.db import Database, Tx
from dayfill.store.postgresql.writing import Writer

LEAD_LOCK = 0x6461_7966_0003
BEAT_SECONDS = 5.0
SILENT_SECONDS = 30.0
"""Without a word for so long, by the clock of the database, a server is taken for hung."""
RETURN_SECONDS = 3.0
"""After a restart of PostgreSQL the server that dispatched has this long to come back: it knows what it had begun."""

_SAME_PLANS = "SET plan_cache_mode = force_generic_plan"
"""Plans may not depend on values, as in SQLite: to plan each claim anew took longer than to make it."""
_MAY_TAKE = """
SELECT server = $1 OR clock_timestamp() > pg_postmaster_start_time() + make_interval(secs => $2)
FROM dispatching"""
_PUT_OUT = """
SELECT pg_terminate_backend(l.pid)
FROM pg_locks l JOIN dispatching d ON d.backend_pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (CAST(l.classid AS BIGINT) << 32) + CAST(l.objid AS BIGINT) = $1
  AND d.beat_at < clock_timestamp() - make_interval(secs => $2)"""
_SAY_SO = """
INSERT INTO dispatching (only_row, server, backend_pid, beat_at) VALUES (1, $1, pg_backend_pid(), clock_timestamp())
ON CONFLICT (only_row) DO UPDATE
SET server = excluded.server, backend_pid = excluded.backend_pid, beat_at = excluded.beat_at"""

log = structlog.get_logger(__name__)


class LeadingWriter(Writer):
    """A writer that writes only while its own session holds the lock."""

    _holds: asyncpg.Connection | None = None
    _beating: asyncio.Task[None] | None = None

    async def _ready(self) -> asyncpg.Connection:
        connection = await super()._ready()
        if self._holds is not connection:
            await connection.execute(_SAME_PLANS)
            await self._take(connection)
            self._holds = connection
            if self._beating is None or self._beating.done():
                self._beating = asyncio.create_task(self._beat())
            log.info("leading")
        return connection

    async def _take(self, connection: asyncpg.Connection) -> None:
        """Take the lock if it is free, or if who holds it is hung.

        Raises:
            NotLeading: another server holds it.
        """
        may_take = await connection.fetchval(_MAY_TAKE, self._name, RETURN_SECONDS)
        if may_take is not False:
            if await self._locked(connection):
                await connection.execute(_SAY_SO, self._name)
                return
            if await connection.fetchval(_PUT_OUT, LEAD_LOCK, SILENT_SECONDS):
                log.warning("took_over", why=f"the server that dispatched has said nothing for {SILENT_SECONDS:g} s")
        raise NotLeading("Another server dispatches: where this must not be, stop it first.")

    async def _locked(self, connection: asyncpg.Connection) -> bool:
        return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEAD_LOCK))

    async def _beat(self) -> None:
        """Say that this server is alive, through the session that holds the lock, as long as that is there."""
        while self._holds is not None and not self._holds.is_closed():
            await asyncio.sleep(BEAT_SECONDS)
            async with self._turn:
                with suppress(Exception):  # the next write meets the same, and tells it
                    await self._holds.execute(_SAY_SO, self._name)

    async def close(self) -> None:
        """Let go in order: nobody need wait whether it comes back."""
        if self._beating is not None:
            self._beating.cancel()
        async with self._turn:
            if self._holds is not None and not self._holds.is_closed():
                with suppress(Exception):
                    await self._holds.execute("DELETE FROM dispatching")
        await super().close()


class Leading:
    """The database for the dispatcher: it reads as all do, and writes through the session that holds the lock."""

    def __init__(self, db: Database, writer: LeadingWriter) -> None:
        self._db, self._writer = db, writer
        self.one, self.all, self.scan = db.one, db.all, db.scan
        self.snapshot, self.on_commit, self.on_others, self.log_bytes = (
            db.snapshot,
            db.on_commit,
            db.on_others,
            db.log_bytes,
        )

    def write(self) -> AbstractAsyncContextManager[Tx]:
        return self._writer.write()

    def leading(self) -> Database:
        return self

    async def close(self) -> None:
        await self._writer.close()
