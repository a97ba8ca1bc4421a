"""Read days again and hold them against their ledger and against what the tables really hold; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

import numpy as np
import pyarrow as pa

from dayfill import destinations, sources
from dayfill.destinations import DestinationConfig, FinishedTable, LedgerRow
from dayfill.domain.days import WHOLE
from dayfill.domain.reach import Reach
from dayfill.domain.run import MESSAGE_LENGTH
from dayfill.domain.slices import TransferJob
from dayfill.domain.table_group import of_day
from dayfill.engine.configs import Unseal, destination_config, source_config
from dayfill.engine.content_hash import day_hash, row_hashes
from dayfill.engine.extract import Bounds, Reading, TooLarge, extract, stops
from dayfill.engine.spool import Spool
from dayfill.errors import ConnectorError
from dayfill.seams import Seams
from dayfill.secrets import safe

DAYS_AT_ONCE = 32

_Ledger = Mapping[date, Mapping[str, LedgerRow]]
"""The rows of a transfer, by day and table."""


class Found(StrEnum):
    """What became of one day."""

    EQUAL = "equal"
    SOURCE_CHANGED = "the source has changed"
    TABLE_DIFFERS = "the table differs from its ledger"
    BOTH_DIFFER = "source and table both differ from the ledger"
    NO_LEDGER_ROW = "there is no ledger row"
    UNREADABLE = "it cannot be read"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One day. rows: of the source, the table and the ledger, over all tables, as far as they are known."""

    day: date
    found: Found
    source_rows: int | None = None
    table_rows: int | None = None
    ledger_rows: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verifying:
    """What a verification needs. spool: an empty folder of its own, for days that are large. reach: of the team."""

    job: TransferJob
    installation_id: str
    unseal: Unseal
    spool: Path
    seams: Seams
    reach: Reach

    @property
    def config(self) -> DestinationConfig:
        config = destination_config(self.job.destination, self.installation_id, self.unseal, self.reach)
        return replace(config, read_only=True)


def verify_days(work: Verifying, days: Sequence[date]) -> Iterator[Verdict]:
    """One verdict for each day, in their order, as soon as it is known.

    The source is read as a load would read it, with the transfer's limits on rows, bytes and time. Where it wants to be
    left alone, or would answer every day alike, it is asked no more.

    The ledger is read once, and again where it does not agree, because a server may have loaded such days since.

    Raises:
        ConnectorError: the destination cannot be read.
    """
    ledger = _ledger(work)
    size = min(DAYS_AT_ONCE, max(1, sources.get(work.job.source.kind).max_days_per_read))
    for start, part in _parts(days, size):
        with Spool(work.spool, {day: str(day) for day in part}) as spool:
            try:
                readings = _read(work, part, spool)
            except ConnectorError as error:
                why = safe(error.message, MESSAGE_LENGTH)
                yield from (Verdict(day, Found.UNREADABLE, why=why) for day in days[start:])
                return
            found = _compared(work, readings, ledger)
            unequal = {day: readings[day] for day, one in found.items() if one.found is not Found.EQUAL}
            if unequal:
                ledger = _ledger(work)
                found |= _compared(work, unequal, ledger)
            yield from found.values()


def _parts(days: Sequence[date], size: int) -> Iterator[tuple[int, Sequence[date]]]:
    """Days that are read together, each with its place; tables without days by themselves."""
    start = 0
    while start < len(days):
        part = days[start : start + size]
        part = part[:1] if part[0] == WHOLE else [day for day in part if day != WHOLE]
        yield start, part
        start += len(part)


def _read(work: Verifying, days: Sequence[date], spool: Spool) -> Mapping[date, Reading | ConnectorError]:
    """Days together, or one by one where that fails.

    Raises:
        ConnectorError: the source must not be asked again now.
    """
    source, began = work.job.source, work.seams.monotonic()
    left = began + work.job.deadline_seconds
    bounds = Bounds(lambda: left - work.seams.monotonic(), source.max_day_rows, source.max_day_gigabytes)
    config = source_config(source, work.unseal, work.reach)
    try:
        read = extract(of_day(work.job.tables, days[0]), days, config, source.kind, bounds, spool, work.seams)
    except TooLarge:
        read = None
    except ConnectorError as error:
        read = None if len(days) > 1 else {days[0]: error}
    if read is None:
        return {day: found for one in days for day, found in _read(work, [one], spool).items()}
    for found in read.values():
        if isinstance(found, ConnectorError) and stops(found):
            raise found
    return read


def _compared(
    work: Verifying, readings: Mapping[date, Reading | ConnectorError], ledger: _Ledger
) -> dict[date, Verdict]:
    return {day: _verdict(work, day, reading, ledger.get(day, {})) for day, reading in readings.items()}


def _verdict(work: Verifying, day: date, reading: Reading | ConnectorError, rows: Mapping[str, LedgerRow]) -> Verdict:
    if isinstance(reading, ConnectorError):
        why = safe(reading.message, MESSAGE_LENGTH)
        return Verdict(day, Found.UNREADABLE, ledger_rows=_sum(rows) if rows else None, why=why)
    held = {table.name: _held(work, table, day) for table in reading.tables}
    read = {table.name: (table.rows.num_rows, table.content_hash) for table in reading.tables}
    said = {name: (row.row_count, row.content_hash) for name, row in rows.items() if name in read}
    from_source, in_table = (sum(count for count, _ in one.values()) for one in (read, held))
    if said.keys() != read.keys():
        return Verdict(day, Found.NO_LEDGER_ROW, from_source, in_table)
    return Verdict(day, _CASES[read == said, held == said], from_source, in_table, _sum(rows))


_CASES = {
    (True, True): Found.EQUAL,
    (False, True): Found.SOURCE_CHANGED,
    (True, False): Found.TABLE_DIFFERS,
    (False, False): Found.BOTH_DIFFER,
}
"""(source as the ledger says, table as the ledger says)."""


def _held(work: Verifying, table: FinishedTable, day: date) -> tuple[int, str]:
    """Row count and hash of what the table holds, in the columns of the reading."""
    counts, sums = [0], [np.uint64(0)]

    def take(batch: pa.RecordBatch) -> None:
        counts.append(batch.num_rows)
        sums.append(row_hashes(pa.Table.from_batches([batch])).sum(dtype=np.uint64))

    destinations.get(work.job.destination.kind).read_day(work.config, table, day, take)
    return sum(counts), day_hash(np.array(sums, dtype=np.uint64))


def _ledger(work: Verifying) -> _Ledger:
    found: dict[date, dict[str, LedgerRow]] = {}
    for row in destinations.get(work.job.destination.kind).ledger(work.config, work.job.transfer_id):
        found.setdefault(row.data_date, {})[row.table_name] = row
    return found


def _sum(rows: Mapping[str, LedgerRow]) -> int:
    return sum(row.row_count for row in rows.values())
