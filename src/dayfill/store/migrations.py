"""Numbered, forward-only migrations of the state schema: ``store/schema/<dialect>/NNNN_name.sql``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import apsw

from dayfill.errors import SetupError
from dayfill.seams import no_failpoint


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    text: str


def migrations(dialect: str) -> list[Migration]:
    """All migrations of a dialect, in order."""
    folder = files("dayfill.store").joinpath("schema", dialect)
    found = [
        Migration(int(file.name[:4]), file.name[5:-4], file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


def migrate_sqlite(path: Path, failpoint: Callable[[str], None] = no_failpoint) -> int:
    """Bring the file up to this version's schema; each step is one transaction. Returns the schema's number.

    Raises:
        SetupError: the file was written by a newer version.
    """
    known = migrations("sqlite")
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(5_000)
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        while _apply_next(connection, path, known, failpoint):
            pass
        return known[-1].number
    finally:
        connection.close()


def applied(failpoint: Callable[[str], None]) -> None:
    """A step has been made, in either dialect, and is not committed yet."""
    failpoint("migrate")


def _use_wal(connection: apsw.Connection) -> None:
    """The switch is refused at once while another process has the file open for it: wait for that one, ask again."""
    for _ in range(10):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except apsw.BusyError:
            connection.execute("BEGIN IMMEDIATE; COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")


def _apply_next(
    connection: apsw.Connection, path: Path, known: list[Migration], failpoint: Callable[[str], None]
) -> bool:
    """One step; False if there is none left. The lock comes first: another process may be at the same step."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        current = int(connection.pragma("user_version"))
        if current > known[-1].number:
            raise SetupError(
                f"{path} was written by a newer version of dayfill (schema {current}, this version knows "
                f"{known[-1].number}): start that version, or restore an older copy of the file."
            )
        if current < known[-1].number:
            connection.execute(known[current].text)
            connection.pragma("user_version", known[current].number)
            applied(failpoint)
        connection.execute("COMMIT")
        return current < known[-1].number
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
