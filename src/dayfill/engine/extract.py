"""Read days from a source and check that they are complete, before anything touches the destination."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dayfill import sources
from dayfill.destinations import FinishedTable
from dayfill.domain.transfer import Table
from dayfill.engine.content_hash import day_hash, row_hashes
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.seams import Seams
from dayfill.sources import DaysRead, SourceConfig

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Reading:
    """One complete reading of one day, in all tables of the transfer."""

    tables: tuple[FinishedTable, ...]


def extract(
    tables: Sequence[Table],
    days: Sequence[date],
    config: SourceConfig,
    kind: str,
    left: Callable[[], float],
    seams: Seams,
) -> dict[date, Reading | ConnectorError]:
    """Read all tables of these days; a day that cannot be read alone carries its error.

    Raises:
        ConnectorError: the reading as a whole failed.
    """
    source = sources.get(kind)
    seams.failpoint("extract")
    found: dict[date, list[FinishedTable]] = {day: [] for day in days}
    failed: dict[date, ConnectorError] = {}
    for table in tables:
        for group in _groups([day for day in days if day not in failed], source.max_days_per_read):
            try:
                read = source.read_days(config, table, group, left())
                parts, errors = _finish(table, group, read, left)
            except ConnectorError as error:
                if len(group) > 1:
                    raise
                parts, errors = {}, {group[0]: error}
            failed |= errors
            for day, part in parts.items():
                found[day].append(part)
    return {day: failed[day] if day in failed else Reading(tuple(found[day])) for day in days}


def _groups(days: Sequence[date], size: int) -> list[Sequence[date]]:
    return [days[start : start + size] for start in range(0, len(days), size)]


def _finish(
    table: Table, days: Sequence[date], read: DaysRead, left: Callable[[], float]
) -> tuple[dict[date, FinishedTable], dict[date, ConnectorError]]:
    rows = _buffer(read, left)
    if not read.complete:
        raise Transient("INCOMPLETE", f"Table {table.name}: the source stopped before it said that this was all.")
    if read.stated_rows is not None and read.stated_rows != rows.num_rows:
        raise Transient(
            "INCOMPLETE",
            f"Table {table.name}: the source announced {read.stated_rows:,} rows and sent {rows.num_rows:,}.",
        )
    failed = dict(read.failed_days)
    return _split(table, days, failed, rows, read.date_column), failed


def _buffer(read: DaysRead, left: Callable[[], float]) -> pa.Table:
    batches: list[pa.RecordBatch] = []
    for batch in read.reader:
        if left() <= 0:
            raise Transient("TIMEOUT", "The source was still sending rows at the deadline (setting deadline_seconds).")
        batches.append(batch)
    return pa.Table.from_batches(batches, read.reader.schema)


def _split(
    table: Table, days: Sequence[date], failed: Collection[date], rows: pa.Table, date_column: str
) -> dict[date, FinishedTable]:
    """Rows of several days, as one table per day; a day without rows is an empty table, a failed day is left out."""
    numbers = _day_numbers(table, rows, date_column)
    if len(days) > 1 and np.any(np.diff(numbers) < 0):
        order = np.argsort(numbers, kind="stable")
        rows, numbers = rows.take(pa.array(order)), numbers[order]
    hashes = row_hashes(rows)
    wanted = [(day - _EPOCH).days for day in days]
    _refuse_other_days(table, set(wanted), numbers)
    starts, ends = np.searchsorted(numbers, wanted, "left"), np.searchsorted(numbers, wanted, "right")
    return {
        day: FinishedTable(table.name, date_column, rows.slice(start, end - start), day_hash(hashes[start:end]))
        for day, start, end in zip(days, starts.tolist(), ends.tolist(), strict=True)
        if day not in failed
    }


def _day_numbers(table: Table, rows: pa.Table, date_column: str) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    column = rows.column(date_column)
    if column.null_count:
        row = int(pc.index(column.is_null(), True).as_py())
        raise Permanent("DATA", f"Table {table.name}: row {row + 1} of the reading has no date in {date_column}.")
    return np.asarray(column.cast(pa.int32()).combine_chunks())


def _refuse_other_days(table: Table, wanted: set[int], numbers: np.ndarray[tuple[int], np.dtype[np.int32]]) -> None:
    others = set(np.unique(numbers).tolist()) - wanted
    if others:
        day = _EPOCH + timedelta(days=min(others))
        raise Permanent(
            "DATA", f"Table {table.name}: the source sent rows of {day}, which was not asked for; nothing was loaded."
        )
