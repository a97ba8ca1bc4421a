"""The record of what each day holds, kept beside the data and written in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import chain

import duckdb

from dayfill.destinations import UNDRAWN, LedgerRow
from dayfill.destinations.fence import Entry, Seen, hold, ledger_row
from dayfill.destinations.names import quoted


def create(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Create the schema, the ledger and the list of owners where they are missing."""
    inside = quoted(schema, "schema")
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {inside}")
    con.execute(
        f"CREATE TABLE IF NOT EXISTS {inside}._dayfill_days (transfer_id BIGINT, table_name VARCHAR, data_date DATE,"
        " token BIGINT NOT NULL, run_id BIGINT NOT NULL, row_count BIGINT NOT NULL, content_hash VARCHAR NOT NULL,"
        " loaded_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (transfer_id, table_name, data_date))"
    )
    con.execute(
        f"CREATE TABLE IF NOT EXISTS {inside}._dayfill_tables (table_name VARCHAR PRIMARY KEY,"
        " installation_id VARCHAR NOT NULL, transfer_id BIGINT NOT NULL)"
    )


def exists(con: duckdb.DuckDBPyConnection, schema: str) -> bool:
    """True if the schema holds a ledger."""
    query = "SELECT 1 FROM duckdb_tables() WHERE lower(schema_name) = ? AND table_name = '_dayfill_days'"
    return bool(con.execute(query, [schema.lower()]).fetchall())


def look(
    con: duckdb.DuckDBPyConnection, schema: str, tables: Sequence[str], transfer_id: int, days: Sequence[date]
) -> Seen:
    """Owners of the tables and tokens of the days, in one query.

    Raises:
        Permanent: cause LEDGER; a token is not a number.
    """
    inside, names = quoted(schema, "schema"), [table.lower() for table in tables]
    query = (
        f"SELECT table_name, installation_id, transfer_id, NULL, NULL FROM {inside}._dayfill_tables"
        f" WHERE table_name IN ({_marks(names)})"
        f" UNION ALL SELECT table_name, NULL, NULL, data_date, token FROM {inside}._dayfill_days"
        f" WHERE transfer_id = ? AND table_name IN ({_marks(tables)}) AND data_date IN ({_marks(days)})"
    )
    values = [*names, transfer_id, *tables, *days]
    return Seen.of(con.execute(query, values).fetchall())


def write(con: duckdb.DuckDBPyConnection, schema: str, transfer_id: int, entries: Sequence[Entry], seen: Seen) -> bool:
    """Write all entries, none of them over a greater token; False if a greater one is there after all.

    A row that was seen is updated, any other inserted. That is the guarded upsert in two halves at less than half its
    cost, and as safe: this transaction's snapshot is what `look` saw, a row changed since then conflicts at the
    update, a row added since then breaks the primary key at COMMIT.
    """
    known = [entry for entry in entries if entry.key in seen.tokens]
    new = [entry for entry in entries if entry.key not in seen.tokens]
    if known and _update(con, schema, transfer_id, known) != len(known):
        return False
    if new:
        con.execute(
            f"INSERT INTO {quoted(schema, 'schema')}._dayfill_days VALUES "
            + ", ".join(["(?, ?, ?, ?, ?, ?, ?, now())"] * len(new)),
            list(chain.from_iterable((transfer_id, *_values(entry)) for entry in new)),
        )
    return True


def _update(con: duckdb.DuckDBPyConnection, schema: str, transfer_id: int, entries: Sequence[Entry]) -> int:
    """Number of rows changed."""
    target = f"{quoted(schema, 'schema')}._dayfill_days"
    if len(entries) == 1:
        # The join below doubles the time of a lone day.
        entry = entries[0]
        found = con.execute(
            f"UPDATE {target} SET token = ?, run_id = ?, row_count = ?, content_hash = ?, loaded_at = now()"
            " WHERE transfer_id = ? AND table_name = ? AND data_date = ? AND token <= ?",
            [entry.token, entry.run_id, entry.row_count, entry.content_hash, transfer_id, *entry.key, entry.token],
        )
    else:
        found = con.execute(
            f"UPDATE {target} AS old SET token = new.token, run_id = new.run_id, row_count = new.row_count,"
            " content_hash = new.content_hash, loaded_at = now()"
            f" FROM (VALUES {', '.join(['(?, ?, ?, ?, ?, ?)'] * len(entries))})"
            " AS new(table_name, data_date, token, run_id, row_count, content_hash)"
            " WHERE old.transfer_id = ? AND old.table_name = new.table_name AND old.data_date = new.data_date"
            " AND old.token <= new.token",
            [*chain.from_iterable(_values(entry) for entry in entries), transfer_id],
        )
    return int(found.fetchall()[0][0])


def holds(con: duckdb.DuckDBPyConnection, schema: str, transfer_id: int, entries: Sequence[Entry]) -> bool:
    """True if the ledger says exactly what the entries say, so they were committed."""
    return hold(rows(con, schema, transfer_id), entries)


def rows(con: duckdb.DuckDBPyConnection, schema: str, transfer_id: int) -> list[LedgerRow]:
    """All rows of a transfer, by table and day.

    Raises:
        Permanent: cause LEDGER; one holds what dayfill never writes.
    """
    found = con.execute(
        "SELECT transfer_id, table_name, data_date, token, run_id, row_count, content_hash, epoch_us(loaded_at)"
        f" FROM {quoted(schema, 'schema')}._dayfill_days WHERE transfer_id = ? ORDER BY table_name, data_date",
        [transfer_id],
    ).fetchall()
    return [ledger_row(*row) for row in found]


def greatest_token(con: duckdb.DuckDBPyConnection, schema: str) -> int:
    """The greatest token of all transfers that can have been drawn, 0 if there is none."""
    query = f"SELECT coalesce(max(token), 0) FROM {quoted(schema, 'schema')}._dayfill_days WHERE token < ?"
    return int(con.execute(query, [UNDRAWN]).fetchall()[0][0])


def _values(entry: Entry) -> tuple[object, ...]:
    return entry.table_name, entry.data_date, entry.token, entry.run_id, entry.row_count, entry.content_hash


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
