"""The state database in one SQLite file, through apsw: WAL, durable commits, one writer.

Reads and single-row statements run on the event loop (microseconds, from the page cache). What can take longer, a
commit with its fsync and changes of many rows, runs in one writer thread, so the loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import apsw

from dayfill.errors import Busy, SetupError
from dayfill.store.db import Reader, Row, Touched, Touching, Tx, Values
from dayfill.store.queries import QUERIES
from dayfill.store.recent import Recent
from dayfill.store.snapshot import snapshot

OLDEST_SQLITE = 3_051_003
"""SQLite 3.51.3 mends a WAL reset that could corrupt the file (release notes of SQLite)."""
BUSY_TIMEOUT_MS = 5_000
"""How long a write waits in all for another process (an operator's command) before it answers busy."""
_UNWRITABLE = (
    "The state database cannot be written: the disk of the server's data directory is full, or failing. Free some "
    "space there, then try again."
)

Answer = TypeVar("Answer")


class SqliteTx(Touching):
    """The open transaction of the one writer connection."""

    def __init__(self, connection: apsw.Connection, thread: ThreadPoolExecutor) -> None:
        super().__init__()
        self._connection = connection
        self._thread = thread

    async def one(self, query: str, /, **values: object) -> Row | None:
        return self._connection.execute(QUERIES[query].text, values).fetchone()

    async def all(self, query: str, /, **values: object) -> list[Row]:
        return self._connection.execute(QUERIES[query].text, values).fetchall()

    async def scan(self, query: str, /, **values: object) -> list[Row]:
        return await self._in_thread(lambda: self._connection.execute(QUERIES[query].text, values).fetchall())

    async def run(self, query: str, /, **values: object) -> int:
        return await self._in_thread(lambda: self._run(query, values))

    async def many(self, query: str, rows: Sequence[Values], /) -> list[Row]:
        if not rows:
            return []
        return await self._in_thread(lambda: self._connection.executemany(QUERIES[query].text, rows).fetchall())

    def _run(self, query: str, values: Values) -> int:
        self._connection.execute(QUERIES[query].text, values)
        return self._connection.changes()

    async def _in_thread(self, work: Callable[[], Answer]) -> Answer:
        # Shielded: a cancelled caller must not free the connection while a statement still runs on it.
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():  # it may be cancelled again while it waits
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([future])
            raise


class SqliteDatabase:
    """A SQLite file, open for as long as the server lives."""

    def __init__(self, path: Path) -> None:
        _check_library()
        self._path = path
        self._reader = _open(path)
        self._recent = Recent(self._reader)
        self._writer = _open(path)
        self._lock = asyncio.Lock()
        self._write_thread = ThreadPoolExecutor(1, "state-writer")
        self._scan_thread = ThreadPoolExecutor(1, "state-scan")
        self._scanner = _open(path)
        self._listeners: list[Callable[[Touched], None]] = []

    async def one(self, query: str, /, **values: object) -> Row | None:
        return self._recent.one(query, values)

    async def all(self, query: str, /, **values: object) -> list[Row]:
        return self._recent.all(query, values)

    async def scan(self, query: str, /, **values: object) -> list[Row]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._scan_thread, lambda: self._scanner.execute(QUERIES[query].text, values).fetchall()
        )

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        asked = time.monotonic()
        async with self._lock:
            tx = SqliteTx(self._writer, self._write_thread)
            try:
                await self._begin(tx, asked)
                yield tx
                await tx._in_thread(lambda: self._writer.execute("COMMIT"))
                if tx.touched:
                    for listener in self._listeners:
                        listener(tx.touched)
            except (apsw.FullError, apsw.IOError) as error:
                raise Busy(_UNWRITABLE, retry_after=5) from error
            finally:
                # Also after a commit that failed, or a task cancelled while it began: the next one starts clean.
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    async def _begin(self, tx: SqliteTx, asked: float) -> None:
        # IMMEDIATE takes the write lock now; a deferred read-then-write would fail at once when another has written.
        self._writer.set_busy_timeout(0)
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            return
        except apsw.BusyError:
            # The wait for its turn counts: those behind one that has waited in vain do not each wait as long again.
            waited = int((time.monotonic() - asked) * 1000)
            self._writer.set_busy_timeout(max(0, BUSY_TIMEOUT_MS - waited))
        try:
            await tx._in_thread(lambda: self._writer.execute("BEGIN IMMEDIATE"))
        except apsw.BusyError:
            raise Busy("Another process is writing to the state database; try again.", retry_after=1) from None

    def on_commit(self, listener: Callable[[Touched], None]) -> None:
        self._listeners.append(listener)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        with snapshot(self._path) as moment:
            yield moment

    def leading(self) -> SqliteDatabase:
        """Itself: the lock of the data directory has made sure that no other server is there."""
        return self

    def on_others(self, listener: Callable[[], None]) -> None:
        """No other server is there."""

    def log_bytes(self) -> int:
        """Size of the write-ahead log."""
        try:
            return self._path.with_name(self._path.name + "-wal").stat().st_size
        except FileNotFoundError:
            return 0

    async def close(self) -> None:
        """Wait for the write under way, then close."""
        async with self._lock:
            self._write_thread.shutdown()
            self._scan_thread.shutdown()
            for connection in (self._reader, self._scanner, self._writer):
                connection.close()


def _check_library() -> None:
    if _library_number() < OLDEST_SQLITE:
        raise SetupError(
            f"SQLite {apsw.sqlite_lib_version()} is too old: dayfill needs 3.51.3 or later (upgrade the package apsw)."
        )


def _library_number() -> int:
    major, minor, patch = (int(part) for part in apsw.sqlite_lib_version().split(".")[:3])
    return major * 1_000_000 + minor * 1_000 + patch


def _open(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), statementcachesize=200)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA temp_store = MEMORY")
    # Plans may not depend on bound values: otherwise SQLite parses and plans some statements anew at every call.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    return connection
