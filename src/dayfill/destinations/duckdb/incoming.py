"""The rows of a load on their way into a table: those in memory as one piece, those that wait in files one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dayfill.destinations import FinishedDay, FinishedTable, drift
from dayfill.errors import Permanent


def check(day: date, table: FinishedTable) -> None:
    """Every row must carry the day, or a later replacement of that day would leave it behind.

    Rows that wait in a file are looked at when they are read.

    Raises:
        Permanent: cause SCHEMA or DATA, naming the day.
    """
    schema = table.rows.schema
    if table.date_column not in schema.names:
        raise Permanent("SCHEMA", f"Table {table.name} has no column {table.date_column} to hold the date.", day=day)
    kind = schema.field(table.date_column).type
    if kind != pa.date32():
        raise Permanent(
            "SCHEMA", f"Column {table.date_column} of table {table.name} is {kind}; it must be a date.", day=day
        )
    if isinstance(table.rows, pa.Table):
        _check_dates(day, table, table.rows)


def _check_dates(day: date, table: FinishedTable, rows: pa.Table) -> None:
    dates = rows.column(table.date_column)
    if dates.null_count or not pc.all(pc.equal(dates, pa.scalar(day)), min_count=0).as_py():
        raise Permanent("DATA", f"Table {table.name} got rows that do not belong to {day}.", day=day)


@dataclass(slots=True)
class Waiting:
    """One day's rows that wait in a file. error: what went wrong while they were read; DuckDB keeps its text only."""

    day: date
    table: FinishedTable
    target: pa.Schema
    error: BaseException | None = None

    def reader(self) -> pa.RecordBatchReader:
        """The rows, checked and in the columns of the target, as they are pulled."""
        return pa.RecordBatchReader.from_batches(self.target, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        before = 0
        try:
            for batch in self.table.rows.to_reader():
                rows = pa.Table.from_batches([batch])
                _check_dates(self.day, self.table, rows)
                with blaming(self.day, self.table.name):
                    fitted = drift.fit(rows, self.target, before)
                yield from fitted.to_batches()
                before += batch.num_rows
        except Exception as error:
            self.error = error
            raise


@dataclass(frozen=True, slots=True)
class Incoming:
    """The rows of one table in the columns that it has after the change: days in memory as one, then the others."""

    target: pa.Schema
    rows: pa.Table
    waiting: list[Waiting] = field(default_factory=list)

    @classmethod
    def of(cls, days: Sequence[FinishedDay], index: int, target: pa.Schema) -> Incoming:
        """The rows of the table at this index of the days' tables.

        Raises:
            Permanent: cause SCHEMA, with the day that has a value that does not fit.
        """
        pieces, waiting = [], []
        for day in days:
            table = day.tables[index]
            if not isinstance(table.rows, pa.Table):
                waiting.append(Waiting(day.data_date, table, target))
                continue
            with blaming(day.data_date, table.name):
                pieces.append(drift.fit(table.rows, target))
        rows = pieces[0] if len(pieces) == 1 else pa.concat_tables(pieces or [target.empty_table()])
        return cls(target, rows, waiting)

    def insert(self, con: duckdb.DuckDBPyConnection, path: str) -> tuple[int, int]:
        """Insert all rows; the number that DuckDB took, and the number that there were.

        Raises:
            ConnectorError: a row that waited in a file is not what it should be.
        """
        taken = _insert(con, path, self.rows) if self.rows.num_rows else 0
        for one in self.waiting:
            try:
                taken += _insert(con, path, one.reader())
            except duckdb.Error:
                if one.error is not None:
                    raise one.error from None
                raise
        return taken, self.rows.num_rows + sum(one.table.rows.num_rows for one in self.waiting)


_NAME = "_dayfill_incoming"


def _insert(con: duckdb.DuckDBPyConnection, path: str, rows: pa.Table | pa.RecordBatchReader) -> int:
    con.register(_NAME, rows)
    return int(con.execute(f"INSERT INTO {path} BY NAME SELECT * FROM {_NAME}").fetchall()[0][0])


@contextmanager
def blaming(day: date, table: str) -> Iterator[None]:
    """A refusal inside names the table and the day, so that the other days of the load can go on."""
    try:
        yield
    except Permanent as error:
        raise Permanent(error.cause, f"Table {table}: {error.message}", day=day) from error
