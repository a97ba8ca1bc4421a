"""What the tables hold now, to be held against the ledger and against the source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import duckdb
import pyarrow as pa

from dayfill.destinations import FinishedTable, HeldTable, LedgerRow, nested
from dayfill.destinations.duckdb import ledger, types
from dayfill.destinations.names import quoted
from dayfill.domain.days import WHOLE
from dayfill.errors import Permanent


def tables(con: duckdb.DuckDBPyConnection, schema: str, transfer_id: int, names: Sequence[str]) -> list[HeldTable]:
    """The tables with their ledger rows, as the open transaction sees both."""
    rows: dict[str, list[LedgerRow]] = defaultdict(list)
    for row in ledger.rows(con, schema, transfer_id):
        rows[row.table_name].append(row)
    return [HeldTable(name, tuple(rows[name]), _counts(con, schema, name, rows[name])) for name in names]


def read_day(
    con: duckdb.DuckDBPyConnection, schema: str, table: FinishedTable, day: date, take: Callable[[pa.RecordBatch], None]
) -> None:
    """The rows of a day in the columns of ``table.rows``, cast to their types; see `Destination.read_day`."""
    types_of = _types_of(con, schema, table.name)
    column = table.date_column
    if not types_of or (column is not None and column.lower() not in types_of):
        return
    columns = ", ".join(
        quoted(field.name, "column") if field.name.lower() in types_of else "NULL AS " + quoted(field.name, "column")
        for field in table.rows.schema
    )
    chosen = "" if column is None else f" WHERE {quoted(column, 'column')} = ?"
    query = f"SELECT {columns} FROM {_path(schema, table.name)}{chosen}"
    for batch in con.sql(query, params=[day] if chosen else []).to_arrow_reader():
        take(_cast(batch, table.rows.schema))


def _cast(batch: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    columns = [_in(column, field.type) for column, field in zip(batch.columns, wanted, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def _in(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    if column.type == wanted:
        return column
    if isinstance(column.type, pa.BaseExtensionType):  # how a boolean, a UUID and JSON come
        column = column.storage
    if nested.is_nested(wanted):
        return nested.values(column, wanted)
    return column.cast(wanted, safe=False)


def _counts(
    con: duckdb.DuckDBPyConnection, schema: str, table: str, ledger_rows: Sequence[LedgerRow]
) -> tuple[Mapping[date, int], ...] | None:
    types_of = _types_of(con, schema, table)
    if not types_of:
        return None
    if any(row.data_date == WHOLE for row in ledger_rows):
        return ({WHOLE: con.execute(f"SELECT count(*) FROM {_path(schema, table)}").fetchall()[0][0]},)
    dates = [column for name, of in types_of.items() if of == "DATE" and (column := _ours(name))]
    return tuple(_rows_by_date(con, _path(schema, table), column) for column in dates)


def _ours(name: str) -> str | None:
    """The name quoted; None for one that dayfill does not give, so somebody else has added the column."""
    try:
        return quoted(name, "column")
    except Permanent:
        return None


def _rows_by_date(con: duckdb.DuckDBPyConnection, path: str, column: str) -> dict[date, int]:
    """Rows by date; dates beyond what Python can hold come as text, and belong to no day."""
    found = con.execute(f"SELECT {column}, count(*) FROM {path} WHERE {column} IS NOT NULL GROUP BY 1").fetchall()
    return {day: count for day, count in found if isinstance(day, date)}


def _types_of(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, str]:
    """DuckDB's type of each column, by its name in lower case; any type, since people may have added columns."""
    if not types.exists(con, schema, table):
        return {}
    relation = con.table(_path(schema, table))
    return {name.lower(): str(of) for name, of in zip(relation.columns, relation.types, strict=True)}


def _path(schema: str, table: str) -> str:
    return f"{quoted(schema, 'schema')}.{quoted(table, 'table')}"
