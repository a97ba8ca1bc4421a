"""What one load is asked to do, the same for every destination with transactions, and its rows on their way in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from dayfill.destinations import FinishedDay, FinishedTable, drift
from dayfill.destinations.fence import Claim, Entry, Owner
from dayfill.destinations.names import checked
from dayfill.domain.days import WHOLE
from dayfill.errors import Permanent


@dataclass(frozen=True)
class Request:
    """Days of one transfer that are to be replaced together."""

    schema: str
    installation_id: str
    rivals: frozenset[int] | None
    days: tuple[FinishedDay, ...]
    before_commit: Callable[[], None]

    @property
    def transfer_id(self) -> int:
        return self.days[0].transfer_id

    @property
    def claim(self) -> Claim:
        owner = Owner(self.installation_id, self.transfer_id)
        return Claim(owner, min(day.token for day in self.days), self.rivals)

    @cached_property
    def tables(self) -> tuple[str, ...]:
        return tuple(table.name for table in self.days[0].tables)

    def wait_for_rows(self) -> None:
        """Until all rows have come: a load that must be alone has others wait for it, and no source."""
        for day in self.days:
            for table in day.tables:
                _ = table.rows.num_rows


def check(request: Request) -> None:
    """What a caller could get wrong, before anything is opened.

    Raises:
        Permanent: tables or days that contradict each other, a name that cannot be used, a row of another day.
    """
    if len({table.lower() for table in request.tables}) < len(request.tables):
        raise Permanent("SCHEMA", "Two tables of the transfer have the same name; rename one in the table group.")
    if len({day.data_date for day in request.days}) < len(request.days):
        raise Permanent("CONFIG", "A day was given twice in one load.")
    if not request.tables:
        raise Permanent("CONFIG", "The transfer has no tables: add one to its table group.")
    for name in request.tables:
        checked(name, "table")
    for day in request.days:
        if day.transfer_id != request.transfer_id or tuple(table.name for table in day.tables) != request.tables:
            raise Permanent("CONFIG", "The days of one load must fill the same tables of one transfer.")
        for table in day.tables:
            _check_table(day.data_date, table)


def entries(days: Sequence[FinishedDay]) -> list[Entry]:
    """What the ledger is to say of all tables of these days."""
    return [
        Entry(table.name, day.data_date, day.token, day.run_id, table.rows.num_rows, table.content_hash)
        for day in days
        for table in day.tables
    ]


def _check_table(day: date, table: FinishedTable) -> None:
    """Every row must carry the day, or a later replacement of that day would leave it behind.

    Rows that wait in a file are looked at when they are read.
    """
    schema = table.rows.schema
    if table.date_column is None:
        if day != WHOLE:
            raise Permanent("CONFIG", f"Table {table.name} has no days, so it cannot hold {day}.", day=day)
        return
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
    if table.date_column is None:
        return
    dates = rows.column(table.date_column)
    if dates.null_count or not pc.all(pc.equal(dates, pa.scalar(day)), min_count=0).as_py():
        raise Permanent("DATA", f"Table {table.name} got rows that do not belong to {day}.", day=day)


def date_column(target: pa.Schema, name: str, table: str) -> str:
    """The date column as the table spells it.

    Raises:
        Permanent: cause SCHEMA; the table's column holds no dates.
    """
    for field_ in target:
        if field_.name.lower() == name.lower() and field_.type == pa.date32():
            return str(field_.name)
    raise Permanent(
        "SCHEMA", f"Column {name} of table {table} must be a date in the destination, since days are replaced by it."
    )


@dataclass(slots=True)
class Waiting:
    """One day's rows that wait in a file. error: what went wrong while they were read; a driver keeps its text only."""

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

    @property
    def given(self) -> int:
        """Number of rows that there are."""
        return int(self.rows.num_rows) + sum(one.table.rows.num_rows for one in self.waiting)

    def insert(self, take: Callable[[pa.Table | pa.RecordBatchReader], int], driver: type[Exception]) -> int:
        """Hand all rows to ``take``, which gives the number that it took; returns the sum.

        driver: what ``take`` raises for any fault, also where it was a row that waited in a file.

        Raises:
            ConnectorError: such a row is not what it should be.
        """
        taken = take(self.rows) if self.rows.num_rows else 0
        for one in self.waiting:
            try:
                taken += take(one.reader())
            except driver:
                if one.error is not None:
                    raise one.error from None
                raise
        return taken


@contextmanager
def blaming(day: date, table: str) -> Iterator[None]:
    """A refusal inside names the table and the day, so that the other days of the load can go on."""
    try:
        yield
    except Permanent as error:
        raise Permanent(error.cause, f"Table {table}: {error.message}", day=day) from error
