"""One moment of a state database, on a read-only connection of its own: for long looks, also at one that a server uses.

Nothing is changed by it, not even the write-ahead log folded into the file; writers go on meanwhile.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from dayfill.errors import SetupError
from dayfill.store.db import Row
from dayfill.store.migrations import migrations
from dayfill.store.queries import QUERIES


class Snapshot:
    """Meets `Reader`; every read takes a thread, so a long one does not hold up the loop. One read at a time."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    async def one(self, query: str, /, **values: object) -> Row | None:
        return next(iter(await self.all(query, **values)), None)

    async def all(self, query: str, /, **values: object) -> list[Row]:
        reading = asyncio.create_task(
            asyncio.to_thread(lambda: self._connection.execute(QUERIES[query].text, values).fetchall())
        )
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            # The connection may be closed only when nobody reads on it any more. The read may not have begun yet.
            while not reading.done():
                self._connection.interrupt()
                await asyncio.wait([reading], timeout=0.01)
            reading.exception()
            raise

    async def scan(self, query: str, /, **values: object) -> list[Row]:
        return await self.all(query, **values)


@contextmanager
def snapshot(path: Path) -> Iterator[Snapshot]:
    """The state as it is now, for as long as the block lasts.

    Raises:
        SetupError: it is not a state database, is damaged, or is of another version of dayfill.
    """
    with _read_only(path) as connection:
        _check_schema(connection, path)
        connection.execute("BEGIN")
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()  # only now the moment is fixed
        yield Snapshot(connection)


def copy(path: Path, target: Path) -> None:
    """A whole copy of the state of one moment in a new private file, without a log beside it.

    Raises:
        SetupError: it cannot be read, or the copy cannot be written or is not whole.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with _read_only(path) as connection:
        _check_schema(connection, path)
        try:
            connection.execute("VACUUM INTO ?", (str(target),))
        except apsw.Error as error:
            raise SetupError(f"The state cannot be copied to {target}: {error}.") from None
    with _read_only(target) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            raise SetupError(f"The copy {target} is damaged: {'; '.join(found)}.")


@contextmanager
def _read_only(path: Path) -> Iterator[apsw.Connection]:
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(5_000)
            connection.execute("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536")
            yield connection
        finally:
            connection.close()
    except (apsw.CantOpenError, apsw.NotADBError, apsw.CorruptError, apsw.IOError) as error:
        raise SetupError(f"{path} cannot be read as a state database: {error}. Restore a backup.") from None


def _check_schema(connection: apsw.Connection, path: Path) -> None:
    """Queries of this version fit its own schema alone, and to migrate the state would be to change it."""
    known, found = migrations("sqlite")[-1].number, int(connection.pragma("user_version"))
    if found < known:
        raise SetupError(
            f"{path} was written by an older version of dayfill (schema {found}, this version's is {known}): start "
            "this version's server once, which brings it up to date, or use the older version."
        )
    if found > known:
        raise SetupError(
            f"{path} was written by a newer version of dayfill (schema {found}, this one's is {known}): use that."
        )
