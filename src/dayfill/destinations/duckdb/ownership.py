"""Who may load a table: one transfer of one installation, since a replaced day takes the rows of everybody in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from dayfill.destinations.duckdb import types
from dayfill.destinations.fence import Owner, foreign
from dayfill.destinations.names import quoted
from dayfill.domain.days import WHOLE


def newest(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> int | None:
    """The greatest token that was ever loaded into a table."""
    query = f"SELECT max(token) FROM {quoted(schema, 'schema')}._dayfill_days WHERE lower(table_name) = ?"
    found: int | None = con.execute(query, [table.lower()]).fetchall()[0][0]
    return found


def has_rows_of(con: duckdb.DuckDBPyConnection, schema: str, table: str, *, whole: bool) -> bool:
    """Whether a table was ever loaded as a whole, or by day."""
    query = (
        f"SELECT 1 FROM {quoted(schema, 'schema')}._dayfill_days WHERE lower(table_name) = ?"
        f" AND data_date {'=' if whole else '<>'} ? LIMIT 1"
    )
    return bool(con.execute(query, [table.lower(), WHOLE]).fetchall())


def claim(
    con: duckdb.DuckDBPyConnection, schema: str, owner: Owner, tables: Iterable[str], owners: Mapping[str, Owner]
) -> None:
    """Own the tables that `fence.settle` named.

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
            raise foreign(table)
        con.execute(
            f"INSERT INTO {inside}._dayfill_tables VALUES (?, ?, ?)",
            [table.lower(), owner.installation_id, owner.transfer_id],
        )
