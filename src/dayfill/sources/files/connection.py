"""The reading engine: a DuckDB connection that can see the files of one reading and nothing else."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from threading import Lock

import duckdb

from dayfill.domain.sql import texts
from dayfill.sources.files.paths import Stamp

Connection = duckdb.DuckDBPyConnection

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "enable_external_file_cache": False,  # a file that changed must never be answered from memory
    "memory_limit": "2GB",  # the engine's own measure is most of the machine, and there are many engines
    "temp_directory": "",
}
_LARGE_BYTES = 32 * 1024 * 1024
"""Files beyond this are read by one thread, since each holds whole row groups."""
_LONG_SECONDS = 0.5
"""A longer reading of large files closes its engine, which keeps some of that memory: beside it a start is no loss."""


class Idle:
    """Engines that wait for another reading of the same files: to start one takes longer than to read a small file.

    The same files are those that have not changed either.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: list[tuple[tuple[Stamp, ...], Connection]] = []
        self._lock = Lock()

    def take(self, files: Sequence[Stamp]) -> Connection:
        """A connection from `connect`, of nobody else until it is given back."""
        key = tuple(files)
        with self._lock:
            for position in reversed(range(len(self._waiting))):
                waits_for, con = self._waiting[position]
                if waits_for == key and [file.opened for file in waits_for] == [file.opened for file in key]:
                    del self._waiting[position]
                    return con
        return connect([file.opened or file.place.path for file in files], is_large=_is_large(files))

    def give_back(self, files: Sequence[Stamp], con: Connection, seconds: float) -> None:
        """Keep it for the next reading of these files, unless it keeps much memory; of too many, the oldest is closed.

        seconds: how long the reading took.
        """
        if seconds > _LONG_SECONDS and _is_large(files):
            con.close()
            return
        with self._lock:
            self._waiting.append((tuple(files), con))
            oldest = self._waiting.pop(0)[1] if len(self._waiting) > self._most else None
        if oldest is not None:
            oldest.close()

    def close(self) -> None:
        """Close those that wait."""
        with self._lock:
            while self._waiting:
                self._waiting.pop()[1].close()


def _is_large(files: Sequence[Stamp]) -> bool:
    return sum(file.size for file in files) > _LARGE_BYTES


def connect(paths: Sequence[str], *, is_large: bool = False) -> Connection:
    """A connection that reads these files, by whatever name leads to them; it cannot write, load or reach anything
    else, and cannot be unlocked.
    """
    con = duckdb.connect(config=_CONFIG | ({"threads": 1} if is_large else {}))
    con.execute("SET TimeZone = 'UTC'")
    if len(paths) == 1:  # by a descriptor, the same path leads to another file next time; here there is no other
        con.execute("SET parquet_metadata_cache = true")
    con.execute(f"SET allowed_paths = {texts(paths)}")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


IDLE = Idle(most=8)
atexit.register(IDLE.close)  # DuckDB prints a report of leaks if one outlives the interpreter
