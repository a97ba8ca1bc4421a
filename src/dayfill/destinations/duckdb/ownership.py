"""Who may load a table: one transfer of one installation, since a replaced day takes the rows of everybody in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from dayfill.destinations.duckdb import types
from dayfill.destinations.names import quoted
from dayfill.errors import Permanent


@dataclass(frozen=True, slots=True)
class Owner:
    """Who may load a table."""

    installation_id: str
    transfer_id: int


def free(tables: Iterable[str], owners: Mapping[str, Owner], owner: Owner) -> list[str]:
    """The tables that nobody owns. ``owners``: by table name in lower case.

    Raises:
        Permanent: cause OWNERSHIP; somebody else owns one.
    """
    unowned = []
    for table in tables:
        found = owners.get(table.lower())
        if found is None:
            unowned.append(table)
        elif found != owner:
            elsewhere = "" if found.installation_id == owner.installation_id else " of another dayfill installation"
            raise Permanent(
                "OWNERSHIP",
                f"Table {table} belongs to transfer {found.transfer_id}{elsewhere}: choose another table name or"
                " prefix, since two transfers would delete each other's days.",
                fatal=True,
            )
    return unowned


def claim(con: duckdb.DuckDBPyConnection, schema: str, owner: Owner, tables: Iterable[str]) -> None:
    """Own tables that nobody owns.

    Raises:
        Permanent: cause OWNERSHIP; one exists already and holds rows that somebody else put there.
    """
    inside = quoted(schema, "schema")
    for table in tables:
        path = f"{inside}.{quoted(table, 'table')}"
        if types.exists(con, schema, table) and con.execute(f"SELECT 1 FROM {path} LIMIT 1").fetchall():
            raise Permanent(
                "OWNERSHIP",
                f"Table {table} exists already and holds rows that dayfill did not load: choose another table name or"
                " prefix, or rename or empty that table first.",
                fatal=True,
            )
        con.execute(
            f"INSERT INTO {inside}._dayfill_tables VALUES (?, ?, ?)",
            [table.lower(), owner.installation_id, owner.transfer_id],
        )
