"""A state file as the previous release would have left it: what it knows goes into the schema of that time."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw

from dayfill.store.migrations import migrations


def step_back(state: Path, to: int = 1) -> None:
    """Replace the file by one of that schema with the same rows, without the columns and tables that came later."""
    old = state.with_suffix(".old")
    with closing(apsw.Connection(str(old))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for migration in migrations("sqlite")[:to]:
            connection.execute(migration.text)
        connection.execute("ATTACH ? AS new", (str(state),))
        connection.execute("BEGIN")
        for (table,) in connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
            names = [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})")]
            listed = ", ".join(names)
            connection.execute(f"INSERT INTO main.{table} ({listed}) SELECT {listed} FROM new.{table}")
        connection.execute("COMMIT")
        connection.pragma("user_version", to)
    for left in state.parent.glob("state.sqlite*"):
        left.unlink()
    old.rename(state)
    state.chmod(0o600)  # as a server makes it, and wants it
