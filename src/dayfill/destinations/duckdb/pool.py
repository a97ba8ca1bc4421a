"""The DuckDB files that this process holds open: one database per file, a cursor per call, closed when idle."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

import duckdb

from dayfill.destinations.duckdb import faults
from dayfill.destinations.duckdb.gate import Gate
from dayfill.errors import Permanent, Transient
from dayfill.secrets import is_private

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # A checkpoint rewrites whole row groups: three times rarer is a quarter faster, and the log stays under 64 MB.
    "checkpoint_threshold": "48MB",
    "enable_external_access": "false",
    "memory_limit": "128MB",
    "preserve_insertion_order": "false",
}
_LOOK_EVERY_SECONDS = 0.5
"""A file that was not used between two looks is closed, so it is free for other programs after at most twice this."""


@dataclass(eq=False, slots=True)
class _Database:
    """An open file. ``uses`` counts sessions ever begun, ``users`` those that are open now.

    identity: the file that was opened, which outlives its name when it is deleted or replaced.
    """

    path: Path
    connection: duckdb.DuckDBPyConnection
    identity: tuple[int, int] | None
    gate: Gate = field(default_factory=Gate)
    prepared: set[str] = field(default_factory=set)
    users: int = 0
    uses: int = 0
    uses_at_last_look: int = -1
    is_broken: bool = False
    is_read_only: bool = False

    def is_in_place(self) -> bool:
        """False once the path names no file or another one: what is written then, nobody will find."""
        return self.identity == _identity(self.path)


@dataclass(frozen=True, slots=True)
class Session:
    """One call's own connection to an open file."""

    path: Path
    connection: duckdb.DuckDBPyConnection
    _database: _Database

    def shared(self) -> AbstractContextManager[None]:
        """Together with other loads; no table may be altered."""
        return self._database.gate.shared()

    def alone(self) -> AbstractContextManager[None]:
        """While no other load of this file runs."""
        return self._database.gate.alone()

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Commit what is inside; any error rolls it back, as DuckDB would still commit what came before the error."""
        con = self.connection
        con.begin()
        try:
            yield con
            con.commit()
            if not self._database.is_in_place():
                self._database.is_broken = True
                raise Transient("DESTINATION", f"The DuckDB file {self.path} was removed or replaced during the load.")
        except BaseException as error:
            self._database.is_broken |= isinstance(error, duckdb.FatalException)
            # A COMMIT that failed has ended the transaction already, and DuckDB says so by one more error.
            with suppress(duckdb.Error):
                con.rollback()
            raise

    def is_prepared(self, schema: str) -> bool:
        """True if `mark_prepared` was called for this schema since the file was opened."""
        return schema in self._database.prepared

    def mark_prepared(self, schema: str) -> None:
        self._database.prepared.add(schema)


_lock = Lock()
_open: dict[Path, _Database] = {}
_closer: Thread | None = None
_exiting = Event()


@contextmanager
def session(path: str, *, read_only: bool = False) -> Iterator[Session]:
    """A connection of its own to the file; opens the file if this process does not hold it yet.

    read_only: what is opened for it changes nothing, and is closed at its end.

    Raises:
        Transient: another process holds the file, or the disk is full.
        Permanent: its folder is missing, it is not a DuckDB file, or access is denied.
    """
    place = place_of(path)
    with _lock:
        database = _in_place(place) or _open_database(place, read_only)
        if database.is_broken:
            raise Transient("DESTINATION", f"The DuckDB file {place} is closed after an error and then opened anew.")
        database.users += 1
        database.uses += 1
    try:
        with faults.translated(place):
            cursor = database.connection.cursor()
        with cursor:
            yield Session(place, cursor, database)
    finally:
        with _lock:
            database.users -= 1
            if database.is_broken or database.is_read_only:
                _close(database)


def place_of(path: str) -> Path:
    """The file itself, behind ``~``, relative paths and links: one file, one database.

    Raises:
        Permanent: cause CONFIG; it cannot be the path of a file, or the file is one of the installation's own.
    """
    try:
        place = Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise Permanent("CONFIG", f"{path[:200]!r} is no path on this server: correct it.", fatal=True) from error
    if is_private(place):
        raise Permanent("CONFIG", f"{place} is a file that dayfill itself lives by: choose another path.", fatal=True)
    return place


def close_all() -> None:
    """Close every file that nobody uses at this moment."""
    with _lock:
        for database in list(_open.values()):
            _close(database)


def _open_database(path: Path, read_only: bool) -> _Database:
    if not path.parent.is_dir():
        raise Permanent(
            "DESTINATION", f"The folder {path.parent} does not exist: create it, or correct the path.", fatal=True
        )
    if path.exists() and not path.is_file():  # to open a pipe would wait for ever, and all other files with it
        kind = "a folder" if path.is_dir() else "no file but a pipe or device"
        raise Permanent("DESTINATION", f"{path} is {kind}: the path must name a DuckDB file.", fatal=True)
    _refuse_second_name(path)
    had_log = path.with_name(path.name + ".wal").exists()
    with faults.translated(path):
        connection = duckdb.connect(str(path), read_only, _SETTINGS)
        if had_log and not read_only:
            # A killed owner's log is replayed, but may stay and grow until a checkpoint is asked for.
            connection.execute("CHECKPOINT")
    database = _open[path] = _Database(path, connection, _identity(path), is_read_only=read_only)
    _start_closer()
    return database


def _in_place(path: Path) -> _Database | None:
    """The database that is open at a path, as long as the path still names its file."""
    database = _open.get(path)
    if database is not None and not database.is_in_place():
        database.is_broken = True
        _close(database)
    return _open.get(path)


def _refuse_second_name(path: Path) -> None:
    """One file opened twice by one process overwrites itself: the lock on it keeps out other processes only."""
    identity = _identity(path)
    for other in list(_open.values()):
        if identity is not None and other.identity == identity:
            raise Permanent(
                "DESTINATION",
                f"{path} and {other.path} are one file by two names: use the same path for both destinations.",
                fatal=True,
            )


def _identity(path: Path) -> tuple[int, int] | None:
    """What stays when a file is renamed, and differs when another takes its name."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino


def _close(database: _Database) -> None:
    if not database.users and _open.get(database.path) is database:
        del _open[database.path]
        with suppress(duckdb.Error):
            database.connection.close()


def _start_closer() -> None:
    global _closer
    if _closer is None:
        _closer = Thread(target=_close_when_idle, name="dayfill-duckdb-closer", daemon=True)
        _closer.start()


def _close_when_idle() -> None:
    while not _exiting.wait(_LOOK_EVERY_SECONDS):
        if not _look():
            return


def _look() -> bool:
    """Close the files that were not used since the last look; False, and no closer any more, if none is left."""
    global _closer
    with _lock:
        for database in list(_open.values()):
            if database.uses == database.uses_at_last_look:
                _close(database)
            database.uses_at_last_look = database.uses
        if not _open:
            _closer = None
        return bool(_open)


def _shut_down() -> None:
    """Files are closed, and so checkpointed, while the interpreter still stands."""
    _exiting.set()
    if closer := _closer:
        closer.join()
    close_all()


atexit.register(_shut_down)
