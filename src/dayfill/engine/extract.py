"""Read days from a source and check that they are complete, before anything touches the destination."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dayfill import sources
from dayfill.destinations import FinishedTable
from dayfill.domain.transfer import Partition, Table
from dayfill.engine.arriving import ArrivingRows
from dayfill.engine.brakes import refuses_all
from dayfill.engine.budgets import MAX_SLICE_BYTES
from dayfill.engine.content_hash import day_hash, row_hashes
from dayfill.engine.spool import Spool
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.seams import Seams
from dayfill.sources import DaysRead, SourceConfig

MEMORY_BYTES = 16 * 1024 * 1024
"""A day beyond this size waits in the spool instead of in memory."""
AT_ONCE_BYTES = 1024 * 1024
"""A day beyond this size is handed on while it is read, where that can be: its old rows go while the new ones come."""
MOST_EMPTY_PAGES = 10_000
"""Pages without a row that a reading may have; a page with rows counts against the rows that a day may have."""
_EPOCH = date(1970, 1, 1)
_GIGABYTE = 10**9


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a reading may take. left: seconds to the deadline. asking: held around each call of the source."""

    left: Callable[[], float]
    max_day_rows: int
    max_day_gigabytes: int
    asking: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one day, in all tables of the transfer: complete, or the rows of the last table still coming."""

    tables: tuple[FinishedTable, ...]

    @property
    def error(self) -> ConnectorError | None:
        """What has gone wrong since the first rows were handed on."""
        rows = self.tables[-1].rows if self.tables else None
        error = rows.error if isinstance(rows, ArrivingRows) else None
        return error if isinstance(error, ConnectorError) else None


class TooLarge(Exception):
    """Several days together are more than memory should hold: read fewer at once."""


def extract(
    tables: Sequence[Table],
    days: Sequence[date],
    config: SourceConfig,
    kind: str,
    bounds: Bounds,
    spool: Spool,
    seams: Seams,
    *,
    at_once: bool = False,
) -> dict[date, Reading | ConnectorError]:
    """Read all tables of these days; a day that cannot be read alone carries its error.

    at_once: a large day of a prompt source is handed on while the last of its tables is still being read.

    An error that would meet the other days too (see `stops`) is not asked for again: it goes to every day that has not
    been read by then.

    Raises:
        ConnectorError: the reading as a whole failed.
        TooLarge: never for a single day.
    """
    source = sources.get(kind)
    seams.failpoint("extract")
    found: dict[date, list[FinishedTable]] = {day: [] for day in days}
    failed: dict[date, ConnectorError] = {}
    stopped: ConnectorError | None = None
    last = tables[-1] if at_once and kind in sources.PROMPT else None
    # A group is read in all its tables before the next one, so that as many days as possible are whole at a stop.
    for group, table in product(_groups(days, source.max_days_per_read), tables):
        open_days = [day for day in group if day not in failed]
        if stopped is not None:
            failed |= dict.fromkeys(open_days, stopped)
        if not open_days or stopped is not None:
            continue
        try:
            with bounds.asking():
                read = source.read_days(config, table, open_days, bounds.left())
                parts, errors = _finish(table, open_days, read, bounds, spool, at_once=table is last)
        except ConnectorError as error:
            stopped = error if stops(error) else None
            if len(open_days) > 1 and stopped is None:
                raise
            parts, errors = {}, dict.fromkeys(open_days, error)
        failed |= errors
        for day, part in parts.items():
            found[day].append(part)
    return {day: failed[day] if day in failed else Reading(tuple(found[day])) for day in days}


def stops(error: ConnectorError) -> bool:
    """Whether it would be the same for every other day: a login that is refused, for a while or for good."""
    return error.fatal if isinstance(error, Permanent) else refuses_all(error)


def _groups(days: Sequence[date], size: int) -> list[Sequence[date]]:
    return [days[start : start + size] for start in range(0, len(days), size)]


def _finish(
    table: Table, days: Sequence[date], read: DaysRead, bounds: Bounds, spool: Spool, *, at_once: bool
) -> tuple[dict[date, FinishedTable], dict[date, ConnectorError]]:
    batches = _bounded(table, len(days), read, bounds)
    alone = AT_ONCE_BYTES if at_once else MEMORY_BYTES
    held, is_whole = _held(batches, alone if len(days) == 1 else MAX_SLICE_BYTES)
    if is_whole:
        rows = pa.Table.from_batches(held, read.reader.schema)
        _check_complete(table, read, rows.num_rows)
        return _split(table, days, read.failed_days, rows, read.date_column), dict(read.failed_days)
    if len(days) > 1:
        raise TooLarge
    (day,) = days
    coming = chain(_emptied(held), batches)
    kept, column = _kept(table, read.reader.schema, read.date_column), _date_column(table, read.date_column)
    if at_once:

        def fill(write: Callable[[pa.RecordBatch], None]) -> str:
            with bounds.asking():
                return _written(table, day, read, coming, write)

        arriving = ArrivingRows(spool, day, kept, MEMORY_BYTES, fill)
        return {day: FinishedTable(table.name, column, arriving, arriving.content_hash)}, {}
    with spool.file(day, kept) as file:
        content_hash = _written(table, day, read, coming, file.write)
    return {day: FinishedTable(table.name, column, file.whole(), content_hash)}, {}


def _bounded(table: Table, days: int, read: DaysRead, bounds: Bounds) -> Iterator[pa.RecordBatch]:
    """The batches, as long as the reading stays within what its days may take: a source may never come to an end."""
    rows = size = empty = 0
    for batch in read.reader:
        if bounds.left() <= 0:
            raise Transient("TIMEOUT", "The source was still sending rows at the deadline (setting deadline_seconds).")
        empty += not batch.num_rows
        if empty > MOST_EMPTY_PAGES:
            raise Permanent(
                "ENDLESS",
                f"Table {table.name}: the source sent {MOST_EMPTY_PAGES:,} pages without a row and did not come to an "
                "end; nothing was loaded.",
            )
        rows += batch.num_rows
        size += batch.nbytes
        if rows > days * bounds.max_day_rows:
            raise _beyond(table, f"{bounds.max_day_rows:,} rows", "max_day_rows")
        if size > days * bounds.max_day_gigabytes * _GIGABYTE:
            raise _beyond(table, f"{bounds.max_day_gigabytes:,} GB", "max_day_gigabytes")
        yield batch


def _beyond(table: Table, most: str, setting: str) -> Permanent:
    return Permanent(
        "TOO_LARGE",
        f"Table {table.name}: the source sent more than {most} for a day; nothing was loaded. If the day is really that"
        f" large, raise the setting {setting} of the transfer.",
    )


def _held(batches: Iterator[pa.RecordBatch], most: int) -> tuple[list[pa.RecordBatch], bool]:
    """Batches until they exceed this many bytes; True if that is all of them."""
    held, size = [], 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size > most:
            return held, False
    return held, True


def _emptied(held: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """What was held, each batch let go as soon as it is handed on."""
    held.reverse()
    while held:
        yield held.pop()


def _check_complete(table: Table, read: DaysRead, rows: int) -> None:
    if not read.complete:
        raise Transient("INCOMPLETE", f"Table {table.name}: the source stopped before it said that this was all.")
    if read.stated_rows is not None and read.stated_rows != rows:
        raise Transient(
            "INCOMPLETE", f"Table {table.name}: the source announced {read.stated_rows:,} rows and sent {rows:,}."
        )


def _written(
    table: Table, day: date, read: DaysRead, batches: Iterator[pa.RecordBatch], write: Callable[[pa.RecordBatch], None]
) -> str:
    """One large day, checked and hashed while it goes to the spool; returns its hash."""
    wanted, sums, before = {(day - _EPOCH).days}, [], 0
    kept = _kept(table, read.reader.schema, read.date_column).names
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        _refuse_other_days(table, wanted, _day_numbers(table, rows, read.date_column, before))
        sums.append(row_hashes(rows.select(kept)).sum(dtype=np.uint64))
        write(batch.select(kept))
        before += batch.num_rows
    _check_complete(table, read, before)
    if day in read.failed_days:
        raise read.failed_days[day]
    return day_hash(np.array(sums, dtype=np.uint64))


def _kept(table: Table, schema: pa.Schema, date_column: str) -> pa.Schema:
    """What is loaded: not the date of a table that has none, which only says that the source knows it."""
    is_whole = table.partition is Partition.NONE
    return schema.remove(schema.get_field_index(date_column)) if is_whole else schema


def _date_column(table: Table, date_column: str) -> str | None:
    return None if table.partition is Partition.NONE else date_column


def _split(
    table: Table, days: Sequence[date], failed: Collection[date], rows: pa.Table, date_column: str
) -> dict[date, FinishedTable]:
    """Rows of several days, as one table per day; a day without rows is an empty table, a failed day is left out."""
    numbers = _day_numbers(table, rows, date_column)
    if len(days) > 1 and np.any(np.diff(numbers) < 0):
        order = np.argsort(numbers, kind="stable")
        rows, numbers = rows.take(pa.array(order)), numbers[order]
    wanted = [(day - _EPOCH).days for day in days]
    _refuse_other_days(table, set(wanted), numbers)
    rows = rows.select(_kept(table, rows.schema, date_column).names)
    hashes = row_hashes(rows)
    column = _date_column(table, date_column)
    starts, ends = np.searchsorted(numbers, wanted, "left"), np.searchsorted(numbers, wanted, "right")
    return {
        day: FinishedTable(table.name, column, rows.slice(start, end - start), day_hash(hashes[start:end]))
        for day, start, end in zip(days, starts.tolist(), ends.tolist(), strict=True)
        if day not in failed
    }


def _day_numbers(
    table: Table, rows: pa.Table, date_column: str, before: int = 0
) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """The day of each row, counted from 1970. before: rows of the reading that came before these."""
    column = rows.column(date_column)
    if column.null_count:
        row = before + int(pc.index(column.is_null(), True).as_py())
        raise Permanent("DATA", f"Table {table.name}: row {row + 1} of the reading has no date in {date_column}.")
    return np.asarray(column.cast(pa.int32()).combine_chunks())


def _refuse_other_days(table: Table, wanted: set[int], numbers: np.ndarray[tuple[int], np.dtype[np.int32]]) -> None:
    others = set(np.unique(numbers).tolist()) - wanted
    if others:
        day = _EPOCH + timedelta(days=min(others))
        raise Permanent(
            "DATA", f"Table {table.name}: the source sent rows of {day}, which was not asked for; nothing was loaded."
        )
