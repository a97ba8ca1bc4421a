"""What the tables hold now, to be held against the ledger and against the source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import pyarrow as pa

from dayfill.destinations import FinishedTable, HeldTable, LedgerRow
from dayfill.destinations.postgresql import ledger, relation, types
from dayfill.destinations.postgresql.ledger import PYTHONS
from dayfill.destinations.postgresql.types import path_of, quoted
from dayfill.domain import sql
from dayfill.domain.days import WHOLE
from dayfill.outgoing.postgresql import Session


def tables(con: Session, schema: str, transfer_id: int, names: Sequence[str]) -> list[HeldTable]:
    """The tables with their ledger rows, as the open transaction sees both."""
    rows: dict[str, list[LedgerRow]] = defaultdict(list)
    for row in ledger.rows(con, schema, transfer_id):
        rows[row.table_name].append(row)
    return [HeldTable(name, tuple(rows[name]), _counts(con, schema, name, rows[name])) for name in names]


def read_day(
    con: Session, schema: str, table: FinishedTable, day: date, take: Callable[[pa.RecordBatch], None]
) -> None:
    """The rows of a day in the columns of ``table.rows``, cast to their types; see `Destination.read_day`."""
    there, column = relation.look(con, schema, table.name), table.date_column
    if there is None or (column is not None and column.lower() not in there.columns):
        return
    columns = ", ".join(
        quoted(field.name, "column") if field.name.lower() in there.columns else "NULL::text"
        for field in table.rows.schema
    )
    # A bound value would have the driver hold the whole day; without one it is streamed.
    chosen = "" if column is None else f" WHERE {quoted(column, 'column')} = DATE {sql.text(day.isoformat())}"
    query = f"SELECT {columns} FROM {path_of(schema, table.name)}{chosen}"
    with con.connection.cursor() as cursor:
        cursor.execute(query)
        with cursor.fetch_record_batch() as reader:
            for batch in reader:
                take(_cast(batch, table.rows.schema))


def _cast(batch: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    columns = [types.fetched(column, field.type) for column, field in zip(batch.columns, wanted, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def _counts(
    con: Session, schema: str, table: str, ledger_rows: Sequence[LedgerRow]
) -> tuple[Mapping[date, int], ...] | None:
    there = relation.look(con, schema, table)
    if there is None:
        return None
    if any(row.data_date == WHOLE for row in ledger_rows):
        return ({WHOLE: con.rows(f"SELECT count(*) FROM {path_of(schema, table)}")[0][0]},)
    dates = [name for name, of in there.columns.items() if of == "date" and types.is_ours(name)]
    return tuple(_rows_by_date(con, path_of(schema, table), sql.name(name)) for name in dates)


def _rows_by_date(con: Session, path: str, column: str) -> dict[date, int]:
    """Rows by date; dates beyond what Python holds are nobody's days."""
    return dict(con.rows(f"SELECT {column}, count(*) FROM {path} WHERE {column} {PYTHONS} GROUP BY 1"))
