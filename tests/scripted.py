"""A source that follows a script, a destination in memory with a fenced ledger, and executors that a test holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from dayfill.destinations import DayOutcome, DestinationConfig, FinishedDay, LedgerRow
from dayfill.domain.transfer import Table, Value
from dayfill.errors import ConnectorError
from dayfill.sources import SourceConfig
from reaching import TEMPS as TEMPS

NO_SPOOL = Path("no-such-folder")
"""Scripted readings are small: none of them goes to the spool."""
COLUMN = "data_date"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SCHEMA = pa.schema([(COLUMN, pa.date32()), ("version", pa.int64()), ("n", pa.int64())])


def unsealed(sealed: bytes, sealed_for: str) -> bytes:
    """Credentials of a test are not sealed."""
    return sealed


@dataclass
class Script:
    """How the source answers for one day. raises: one for each reading, before a reading succeeds.

    always: raised at every reading. other_dates: dates of further rows that are sent with the day's own.
    """

    rows: int = 2
    raises: list[BaseException] = field(default_factory=list)
    always: BaseException | None = None
    complete: bool = True
    stated_rows: int | None = None
    other_dates: Sequence[date | None] = ()
    failed: ConnectorError | None = None


@dataclass
class ScriptedRead:
    """One reading, as `dayfill.sources.DaysRead` describes it."""

    reader: pa.RecordBatchReader
    complete: bool = True
    stated_rows: int | None = None
    failed_days: Mapping[date, ConnectorError] = field(default_factory=dict)
    date_column: str = COLUMN


@dataclass
class ScriptedSource:
    """Every reading stamps its rows with its own number, so that a mixture of two readings shows."""

    kind: str = "FILES"
    title: str = "Scripted"
    description: str = ""
    settings: tuple[()] = ()
    has_accounts: bool = False
    lists_accounts: bool = False
    reads_whole: bool = True
    max_days_per_read: int = 1000
    scripts: dict[date, Script] = field(default_factory=dict)
    reads: list[list[date]] = field(default_factory=list)
    seconds: Callable[[int], None] = lambda days: None

    def on(self, *days: date, **script: object) -> None:
        """Write the script of these days."""
        for day in days:
            self.scripts[day] = Script(**script)

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> ScriptedRead:
        self.reads.append(list(days))
        self.seconds(len(days))
        scripts = {day: self.scripts.get(day, Script()) for day in days}
        for script in scripts.values():
            if script.raises:
                raise script.raises.pop(0)
            if script.always is not None:
                raise script.always
        dates = [d for day, script in scripts.items() for d in _dates(day, script)]
        stated = [script.stated_rows for script in scripts.values() if script.stated_rows is not None]
        return ScriptedRead(
            reader(dates, version=len(self.reads)),
            complete=all(script.complete for script in scripts.values()),
            stated_rows=sum(stated) if stated else None,
            failed_days={day: script.failed for day, script in scripts.items() if script.failed},
        )


def _dates(day: date, script: Script) -> list[date | None]:
    return [] if script.failed else [day] * script.rows + list(script.other_dates)


def reader(dates: Sequence[date | None], version: int = 1) -> pa.RecordBatchReader:
    """One batch with a row for each date."""
    numbers = list(range(len(dates)))
    columns = [pa.array(dates, pa.date32()), pa.array([version] * len(dates), pa.int64()), pa.array(numbers)]
    return pa.RecordBatchReader.from_batches(SCHEMA, [pa.RecordBatch.from_arrays(columns, schema=SCHEMA)])


@dataclass(frozen=True)
class Kept:
    """What the destination in memory holds of one day of one table."""

    token: int
    run_id: int
    rows: pa.Table
    content_hash: str


@dataclass
class MemoryDestination:
    """Replaces days all or none and refuses tokens below its ledger's.

    fails: raised when a group holds the day. down: raised at every use, as long as it is set; `uses` counts them.
    """

    kind: str = "DWH_DUCKDB"
    title: str = "Memory"
    fields: tuple[()] = ()
    days: dict[tuple[int, str, date], Kept] = field(default_factory=dict)
    loaded: list[date] = field(default_factory=list)
    groups: list[list[date]] = field(default_factory=list)
    refused: list[tuple[date, int]] = field(default_factory=list)
    fails: dict[date, list[Exception]] = field(default_factory=dict)
    down: Exception | None = None
    uses: int = 0

    def check(self, config: DestinationConfig) -> None:
        self.uses += 1
        if self.down is not None:
            raise self.down

    def location(self, fields: Mapping[str, Value]) -> str:
        return "memory"

    def replace_days(
        self, config: DestinationConfig, days: Sequence[FinishedDay], before_commit: Callable[[], None]
    ) -> list[DayOutcome]:
        self.check(config)
        self.groups.append([day.data_date for day in days])
        for day in days:
            if self.fails.get(day.data_date):
                raise self.fails[day.data_date].pop(0)
        before_commit()
        return [self._replace(day) for day in days]

    def _replace(self, day: FinishedDay) -> DayOutcome:
        keys = [(day.transfer_id, table.name, day.data_date) for table in day.tables]
        if any(key in self.days and self.days[key].token > day.token for key in keys):
            self.refused.append((day.data_date, day.token))
            return DayOutcome.STALE
        for key, table in zip(keys, day.tables, strict=True):
            self.days[key] = Kept(day.token, day.run_id, table.rows.to_reader().read_all(), table.content_hash)
        self.loaded.append(day.data_date)
        return DayOutcome.LOADED

    def ledger(self, config: DestinationConfig, transfer_id: int) -> list[LedgerRow]:
        return [
            LedgerRow(transfer, name, day, kept.token, kept.run_id, kept.rows.num_rows, kept.content_hash, LONG_AGO)
            for (transfer, name, day), kept in self.days.items()
            if transfer == transfer_id
        ]

    def greatest_token(self, config: DestinationConfig) -> int:
        return max((kept.token for kept in self.days.values()), default=0)


def known(find: Callable[[], Any]) -> Callable[[str], Any]:
    """A registry of one connector: it is found by its kind and by no other."""

    def get(kind: str) -> Any:
        assert kind == find().kind, f"asked for {kind!r}"
        return find()

    return get


class InlineExecutor:
    """Runs a slice while it is submitted."""

    def __init__(self, slots: int = 8) -> None:
        self.slots = slots
        self.jobs: list[object] = []

    def submit(self, run: Callable[..., object], job: object) -> Future[object]:
        self.jobs.append(job)
        future: Future[object] = Future()
        # A BaseException is the death of the process: it goes on to whoever submitted.
        try:
            future.set_result(run(job))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None: ...


@dataclass(eq=False)
class Gate:
    """A slice that waits until the test lets it answer."""

    run: Callable[..., object]
    job: object
    future: Future[object] = field(default_factory=Future)

    @property
    def days(self) -> list[date]:
        return [order.data_date for order in self.job.days]  # type: ignore[attr-defined]

    @property
    def transfer_id(self) -> int:
        return self.job.transfer_id  # type: ignore[attr-defined,no-any-return]

    def answer(self) -> None:
        self.future.set_result(self.run(self.job))

    def die(self, error: BaseException) -> None:
        self.future.set_exception(error)


class GatedExecutor:
    """Holds every slice back; `gates` are those that have not answered, in the order they were handed out."""

    def __init__(self, slots: int = 8) -> None:
        self.slots = slots
        self.jobs: list[Gate] = []

    @property
    def gates(self) -> list[Gate]:
        return [gate for gate in self.jobs if not gate.future.done()]

    def submit(self, run: Callable[..., object], job: object) -> Future[object]:
        gate = Gate(run, job)
        self.jobs.append(gate)
        return gate.future

    def close(self) -> None: ...
