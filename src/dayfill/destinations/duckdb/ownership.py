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


@dataclass(frozen=True, slots=True)
class Claim:
    """What a load wants: its tables for its transfer. token: the lowest of its days. rivals: see DestinationConfig."""

    owner: Owner
    token: int
    rivals: frozenset[int] | None


def settle(
    con: duckdb.DuckDBPyConnection, schema: str, tables: Iterable[str], owners: Mapping[str, Owner], wanted: Claim
) -> list[str]:
    """The tables that are to change hands: nobody's, and those of transfers that have given them up.

    ``owners``: by table name in lower case.

    Raises:
        Permanent: cause OWNERSHIP; somebody else owns one.
    """
    changing = []
    for table in tables:
        found = owners.get(table.lower())
        if found == wanted.owner:
            continue
        if found is not None and not (_has_given_up(found, wanted) and _is_newest(con, schema, table, wanted.token)):
            elsewhere = "" if found.installation_id == wanted.owner.installation_id else " of another installation"
            raise Permanent(
                "OWNERSHIP",
                f"Table {table} belongs to transfer {found.transfer_id}{elsewhere}: choose another table name or"
                " prefix, since two transfers would delete each other's days.",
                fatal=True,
            )
        changing.append(table)
    return changing


def _has_given_up(found: Owner, wanted: Claim) -> bool:
    is_ours = found.installation_id == wanted.owner.installation_id
    return is_ours and wanted.rivals is not None and found.transfer_id not in wanted.rivals


def _is_newest(con: duckdb.DuckDBPyConnection, schema: str, table: str, token: int) -> bool:
    """Nothing later was loaded into the table: a late load of its former owner must not take it back."""
    query = f"SELECT max(token) FROM {quoted(schema, 'schema')}._dayfill_days WHERE lower(table_name) = ?"
    greatest = con.execute(query, [table.lower()]).fetchall()[0][0]
    return greatest is None or greatest < token


def claim(
    con: duckdb.DuckDBPyConnection, schema: str, owner: Owner, tables: Iterable[str], owners: Mapping[str, Owner]
) -> None:
    """Own the tables that `settle` named.

    Raises:
        Permanent: cause OWNERSHIP; one exists already and holds rows that somebody else put there.
    """
    inside = quoted(schema, "schema")
    for table in tables:
        if table.lower() in owners:
            con.execute(
                f"UPDATE {inside}._dayfill_tables SET transfer_id = ? WHERE table_name = ?",
                [owner.transfer_id, table.lower()],
            )
            continue
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
