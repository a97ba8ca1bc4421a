"""The record of what each day holds, kept beside the data and written in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dayfill.destinations import UNDRAWN, LedgerRow
from dayfill.destinations.fence import Entry, Seen, ledger_row
from dayfill.destinations.postgresql.types import quoted
from dayfill.outgoing.postgresql import Session

PYTHONS = "BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
"""The dates that Python has."""


def create(con: Session, schema: str) -> None:
    """Create the schema, the ledger and the list of owners where they are missing; in a transaction of its own."""
    inside = quoted(schema, "schema")
    # Two that create the same table at once fail on a key of the catalogue, whatever IF NOT EXISTS says.
    con.rows("SELECT pg_advisory_xact_lock(hashtext($1))::text", f"dayfill {schema.lower()}")
    if not con.rows("SELECT 1 FROM pg_namespace WHERE nspname = $1", schema.lower()):
        con.execute(f"CREATE SCHEMA {inside}")
    con.execute(
        f"CREATE TABLE IF NOT EXISTS {inside}._dayfill_days (transfer_id bigint, table_name text, data_date date,"
        " token bigint NOT NULL, run_id bigint NOT NULL, row_count bigint NOT NULL, content_hash text NOT NULL,"
        " loaded_at timestamptz NOT NULL, PRIMARY KEY (transfer_id, table_name, data_date))"
    )
    con.execute(
        f"CREATE TABLE IF NOT EXISTS {inside}._dayfill_tables (table_name text PRIMARY KEY,"
        " installation_id text NOT NULL, transfer_id bigint NOT NULL)"
    )


def look(con: Session, schema: str, tables: Sequence[str], transfer_id: int, days: Sequence[date]) -> Seen:
    """Owners of the tables and tokens of the days, in one query.

    Raises:
        Permanent: cause LEDGER; a token is none.
    """
    inside = quoted(schema, "schema")
    found = con.rows(
        "SELECT table_name, installation_id, transfer_id, NULL::date, NULL::bigint"
        f" FROM {inside}._dayfill_tables WHERE table_name = ANY($1::text[])"
        " UNION ALL SELECT table_name, NULL, NULL, data_date, token"
        f" FROM {inside}._dayfill_days"
        " WHERE transfer_id = $2::bigint AND table_name = ANY($3::text[]) AND data_date = ANY($4::date[])",
        [table.lower() for table in tables],
        transfer_id,
        list(tables),
        list(days),
    )
    return Seen.of(found)


def write(con: Session, schema: str, transfer_id: int, entries: Sequence[Entry], _seen: Seen) -> bool:
    """Write all entries, none of them over a greater token; False if a greater one is there after all."""
    changed = con.rows(
        f"INSERT INTO {quoted(schema, 'schema')}._dayfill_days AS old"
        " (transfer_id, table_name, data_date, token, run_id, row_count, content_hash, loaded_at)"
        " SELECT $1::bigint, new.*, clock_timestamp() FROM unnest($2::text[], $3::date[], $4::bigint[], $5::bigint[],"
        " $6::bigint[], $7::text[]) AS new"
        " ON CONFLICT (transfer_id, table_name, data_date) DO UPDATE SET token = excluded.token,"
        " run_id = excluded.run_id, row_count = excluded.row_count, content_hash = excluded.content_hash,"
        " loaded_at = excluded.loaded_at WHERE old.token <= excluded.token RETURNING 1",
        transfer_id,
        [entry.table_name for entry in entries],
        [entry.data_date for entry in entries],
        [entry.token for entry in entries],
        [entry.run_id for entry in entries],
        [entry.row_count for entry in entries],
        [entry.content_hash for entry in entries],
    )
    return len(changed) == len(entries)


def rows(con: Session, schema: str, transfer_id: int) -> list[LedgerRow]:
    """All rows of a transfer, by table and day.

    Raises:
        Permanent: cause LEDGER; one holds what dayfill never writes.
    """
    found = con.rows(
        "SELECT transfer_id, table_name, data_date::text,"
        f" CASE WHEN data_date {PYTHONS} THEN data_date END, token, run_id, row_count, content_hash,"
        " CASE WHEN isfinite(loaded_at) THEN (extract(epoch FROM loaded_at) * 1000000)::bigint END"
        f" FROM {quoted(schema, 'schema')}._dayfill_days AS day"
        " WHERE transfer_id = $1::bigint ORDER BY table_name, day.data_date",
        transfer_id,
    )
    return [ledger_row(owner, table, day or shown, *values) for owner, table, shown, day, *values in found]


def greatest_token(con: Session, schema: str) -> int:
    """The greatest token of all transfers that can have been drawn, 0 if there is none."""
    query = f"SELECT coalesce(max(token), 0) FROM {quoted(schema, 'schema')}._dayfill_days WHERE token < $1::bigint"
    return int(con.rows(query, UNDRAWN)[0][0])
