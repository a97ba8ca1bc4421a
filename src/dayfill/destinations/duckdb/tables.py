"""One table's part of a load: what must change so that the new rows fit, and the statements that put them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from dayfill.destinations import FinishedDay, drift, load
from dayfill.destinations.duckdb import types
from dayfill.destinations.load import Incoming, blaming
from dayfill.destinations.names import quoted
from dayfill.errors import Permanent, Transient


@dataclass(frozen=True, slots=True)
class Change:
    """The steps before the insert, and the rows of all days."""

    path: str
    name: str
    date_column: str | None
    is_new: bool
    steps: list[drift.Step]
    incoming: Incoming


def planned(con: duckdb.DuckDBPyConnection, schema: str, days: Sequence[FinishedDay], index: int) -> Change:
    """The change to the table at this index of the days' tables, as this transaction sees it; nothing is altered yet.

    Raises:
        Permanent: cause SCHEMA, with the day whose rows do not fit.
    """
    name, date_column = days[0].tables[index].name, days[0].tables[index].date_column
    current = types.columns(con, schema, name)
    target = pa.schema([]) if current is None else current
    for day in days:
        with blaming(day.data_date, name):
            target = drift.after(target, drift.plan(target, day.tables[index].rows.schema))
    incoming = Incoming.of(days, index, target)
    steps = drift.plan(pa.schema([]) if current is None else current, target)
    path = f"{quoted(schema, 'schema')}.{quoted(name, 'table')}"
    column = None if date_column is None else load.date_column(target, date_column, name)
    return Change(path, name, column, current is None, steps, incoming)


def alter(con: duckdb.DuckDBPyConnection, change: Change) -> None:
    """Create or widen the table.

    Raises:
        Permanent: cause SCHEMA; a stored integer would lose digits as a float.
    """
    if change.is_new:
        columns = (f"{quoted(field.name, 'column')} {types.name_of(field.type)}" for field in change.incoming.target)
        con.execute(f"CREATE TABLE {change.path} ({', '.join(columns)})")
        return
    for step in change.steps:
        column = quoted(step.name, "column")
        if isinstance(step, drift.AddColumn):
            con.execute(f"ALTER TABLE {change.path} ADD COLUMN {column} {types.name_of(step.type)}")
        else:
            if step.guarded:
                _guard(con, change, step)
            con.execute(f"ALTER TABLE {change.path} ALTER COLUMN {column} SET DATA TYPE {types.name_of(step.new)}")


def replace(con: duckdb.DuckDBPyConnection, change: Change, days: Sequence[date]) -> None:
    """Delete the days, or all there is, and insert the rows.

    Raises:
        Transient: DuckDB took another number of rows than it was given.
        ConnectorError: rows that waited in a file are not what they should be.
    """
    if change.date_column is None:
        con.execute(f"DELETE FROM {change.path}")
    else:
        column = quoted(change.date_column, "column")
        chosen = "= ?" if len(days) == 1 else f"IN ({', '.join('?' * len(days))})"
        con.execute(f"DELETE FROM {change.path} WHERE {column} {chosen}", list(days))
    taken, given = (
        change.incoming.insert(lambda rows: _insert(con, change.path, rows), duckdb.Error),
        change.incoming.given,
    )
    if taken != given:
        raise Transient("DESTINATION", f"Table {change.name} took {taken} of {given} rows; rolled back.")


_NAME = "_dayfill_incoming"


def _insert(con: duckdb.DuckDBPyConnection, path: str, rows: pa.Table | pa.RecordBatchReader) -> int:
    con.register(_NAME, rows)
    return int(con.execute(f"INSERT INTO {path} BY NAME SELECT * FROM {_NAME}").fetchall()[0][0])


def _guard(con: duckdb.DuckDBPyConnection, change: Change, step: drift.Widen) -> None:
    column, most = quoted(step.name, "column"), drift.GREATEST_EXACT_IN_FLOAT
    beyond = con.execute(
        f"SELECT {column} FROM {change.path} WHERE {column} NOT BETWEEN ? AND ? LIMIT 1", [-most, most]
    ).fetchall()
    if beyond:
        raise Permanent(
            "SCHEMA",
            f"Column {step.name} of table {change.name} is {step.old} and came as {step.new}: the stored value"
            f" {beyond[0][0]} would lose digits. Set the field's data type to DECIMAL in the table group.",
        )
