"""The DuckDB files that this process holds open: one database per file, a cursor per call, closed when idle."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

import duckdb

from dayfill import roots
from dayfill.destinations.duckdb import faults
from dayfill.destinations.duckdb.gate import Gate
from dayfill.errors import Permanent, Transient
from dayfill.roots import Identity, Place

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "allow_community_extensions": "false",
    "arrow_lossless_conversion": "true",  # a UUID comes back as one, and JSON too
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # A checkpoint rewrites whole row groups: three times rarer is a quarter faster, and the log stays under 64 MB.
    "checkpoint_threshold": "48MB",
    "enable_external_access": "false",
    "lock_configuration": "true",
    "memory_limit": "128MB",
    "preserve_insertion_order": "false",
    "python_enable_replacements": "false",
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
    identity: Identity | None
    gate: Gate = field(default_factory=Gate)
    prepared: set[str] = field(default_factory=set)
    users: int = 0
    uses: int = 0
    uses_at_last_look: int = -1
    is_broken: bool = False
    is_read_only: bool = False
    is_new: bool = False

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
def session(place: Place, *, read_only: bool = False, is_trial: bool = False) -> Iterator[Session]:
    """A connection of its own to the file; opens the file if this process does not hold it yet.

    read_only: what is opened for it changes nothing, and is closed at its end. is_trial: a file that it makes goes at
    its end, unless somebody has used it meanwhile.

    Raises:
        Transient: another process holds the file, or the disk is full.
        Permanent: its folder is missing, it is not a DuckDB file, or access is denied.
    """
    path = Path(place.path)
    with _lock:
        database = _in_place(path) or _open_database(place, read_only)
        if database.is_broken:
            raise Transient("DESTINATION", f"The DuckDB file {path} is closed after an error and then opened anew.")
        database.users += 1
        database.uses += 1
    try:
        with faults.translated(path):
            cursor = database.connection.cursor()
        with cursor:
            yield Session(path, cursor, database)
    finally:
        with _lock:
            database.users -= 1
            only_tried = is_trial and database.is_new and database.uses == 1
            if database.is_broken or database.is_read_only or only_tried:
                _close(database)
            if only_tried and database.is_in_place():
                path.unlink()


def close_all() -> None:
    """Close every file that nobody uses at this moment."""
    with _lock:
        for database in list(_open.values()):
            _close(database)


def _open_database(place: Place, read_only: bool) -> _Database:
    path, before = Path(place.path), _seen(place)
    _refuse_second_name(path)
    had_log = path.with_name(path.name + ".wal").exists()
    with faults.translated(path):
        connection = duckdb.connect(str(path), read_only, _SETTINGS)
        if had_log and not read_only:
            # A killed owner's log is replayed, but may stay and grow until a checkpoint is asked for.
            connection.execute("CHECKPOINT")
    after = _seen(place)
    if after is None or before not in (None, after) or not roots.holds(after):
        connection.close()
        raise Permanent("DESTINATION", f"{path} was replaced while it was opened: nothing was loaded.")
    database = _open[path] = _Database(path, connection, after, is_read_only=read_only, is_new=before is None)
    _start_closer()
    return database


def _seen(place: Place) -> Identity | None:
    """The file that is there now, None if there is none yet.

    Raises:
        Permanent: its folder is missing, or something else than a file is there.
    """
    try:
        found = roots.seen(place)
        roots.refuse_other_than_files(place, found)  # to open a pipe would wait for ever, and all other files with it
        return roots.identity(found)
    except Permanent as error:
        raise Permanent(error.cause, f"{error.message} The path must name a DuckDB file.", fatal=True) from None
    except OSError as error:
        folder = Path(place.path).parent
        if isinstance(error, FileNotFoundError) and folder.is_dir():
            return None
        what = "may not be entered" if isinstance(error, PermissionError) else "does not exist"
        message = f"The folder {folder} {what}: create it, or correct the path."
        raise Permanent("DESTINATION", message, fatal=True) from None


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


def _identity(path: Path) -> Identity | None:
    try:
        return roots.identity(path.stat())
    except OSError:
        return None


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
