"""Demo Ads: a made advertising source with scripted failures, to see how dayfill treats a real one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Event

import pyarrow as pa

from dayfill.domain.reach import Reach
from dayfill.domain.transfer import Field, Table
from dayfill.errors import ConnectorError, Permanent, Transient, misconfigured
from dayfill.roots import placed, seen
from dayfill.sources import DaysRead, Setting, Source, SourceAccount, SourceConfig
from dayfill.sources.demo_ads.rows import ACCOUNTS, COLUMNS, GROUP, report
from dayfill.sources.demo_ads.script import FAILURES, Memory, failure, refusals
from dayfill.sources.types import arrow_type

RESTATED_DAYS = 7
"""The newest days whose figures are still corrected, if the setting restatements is on."""
_LONGEST_DELAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class _Options:
    newest_day: date | None
    delay: float
    memory: Memory | None
    restatements: bool
    account_ids: tuple[str, ...]


class DemoAdsRead:
    """One reading of made rows; meets ``DaysRead``."""

    def __init__(self, schema: pa.Schema, date_column: str, batches: Iterator[pa.RecordBatch]) -> None:
        self.date_column = date_column
        self.complete = False
        self.stated_rows: int | None = None
        self.failed_days: Mapping[date, ConnectorError] = {}
        self.reader = pa.RecordBatchReader.from_batches(schema, self._all(batches))

    def _all(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from batches
        self.complete = True


class DemoAds:
    """A made source, read a day at a time as an ads API is."""

    kind = "DEMO_ADS"
    title = "Demo Ads"
    description = "Made advertising figures of three accounts, with failures on fixed days that a retry heals."
    category = "Other"
    settings: tuple[Setting, ...] = (
        Setting("newest_day", "Newest day", help_text="YYYY-MM-DD; the failing days are counted back from it."),
        Setting(
            "delay_ms",
            "Delay per day (ms)",
            numbers=(0, _LONGEST_DELAY_MS),
            default=0,
            help_text="How long the source takes to answer for a day.",
        ),
        Setting(
            "memory_file",
            "Memory file",
            help_text="Where it is kept which days were refused. Without it and newest_day no day fails.",
            writes=True,
        ),
        Setting("restatements", "Restate the last 7 days", "checkbox", default=False, writes=True),
    )
    has_accounts = False
    lists_accounts = True
    reads_whole = False
    max_days_per_read = 1

    def accounts(self, config: SourceConfig, deadline: float) -> Sequence[SourceAccount]:
        """The accounts that a transfer reads if it names none."""
        return [SourceAccount(account_id, name, GROUP) for account_id, name in ACCOUNTS.items()]

    def check(self, config: SourceConfig, table: Table) -> None:
        """The settings can be read and the fields exist."""
        _options(config)
        _fields(table)

    def schema(self, config: SourceConfig, table: Table) -> pa.Schema:
        return _schema(_fields(table))

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> DaysRead:
        """The rows of these days, after the delay of each.

        Raises:
            ConnectorError: the script says so for one of the days, or the deadline comes first.
        """
        options, fields = _options(config), _fields(table)
        for day in days:
            _refuse(options, day)
        _wait(options.delay * len(days), deadline)
        schema = _schema(fields)
        date_column = next(field.target_name for field in fields if field.field_id == "date")
        return DemoAdsRead(schema, date_column, (_batch(schema, fields, options, day) for day in days))


def _options(config: SourceConfig) -> _Options:
    given = config.settings
    newest, memory = given.get("newest_day"), given.get("memory_file")
    try:
        newest_day = date.fromisoformat(str(newest)) if newest else None
        delay = int(given.get("delay_ms") or 0) / 1000
    except ValueError as error:
        raise misconfigured(f"A setting of Demo Ads cannot be read: {error}.") from error
    if delay < 0:
        raise misconfigured("The setting delay_ms must not be negative.")
    return _Options(
        newest_day=newest_day,
        delay=delay,
        memory=Memory(_kept(str(memory), config.reach)) if memory else None,
        restatements=given.get("restatements") is True,
        account_ids=tuple(account.account_id for account in config.accounts) or tuple(ACCOUNTS),
    )


def _kept(path: str, reach: Reach) -> Path:
    place = placed(path, reach)
    with suppress(FileNotFoundError):  # it is made by the first refusal
        seen(place)
    return Path(place.path)


def _fields(table: Table) -> tuple[Field, ...]:
    """The fields as declared, or all; the date is always among them."""
    types = dict(COLUMNS)
    if not table.fields:
        return tuple(Field(name, name, data_type) for name, data_type in COLUMNS)
    for field in table.fields:
        if field.field_id not in types:
            raise Permanent("SCHEMA", f"Demo Ads has no column {field.field_id}; its columns are {', '.join(types)}.")
        if field.data_type.replace(" ", "") != types[field.field_id]:
            raise Permanent("SCHEMA", f"Demo Ads column {field.field_id} is {types[field.field_id]}; declare it so.")
    if all(field.field_id != "date" for field in table.fields):
        raise Permanent("SCHEMA", f"Table {table.name} needs the column date of Demo Ads.")
    return table.fields


def _schema(fields: Sequence[Field]) -> pa.Schema:
    return pa.schema([pa.field(field.target_name, arrow_type(field.data_type)) for field in fields])


def _refuse(options: _Options, day: date) -> None:
    if options.newest_day is None or options.memory is None:
        return
    cause = FAILURES.get((options.newest_day - day).days)
    if cause and options.memory.add(f"refused {day}", most=refusals(cause)):
        raise failure(cause, day)


def _wait(seconds: float, deadline: float) -> None:
    """An artificial pace; nothing ever sets the event."""
    if seconds > 0:
        Event().wait(max(min(seconds, deadline), 0))
    if seconds > deadline:
        raise Transient("TIMEOUT", "The ads API did not answer before the deadline.")


def _batch(schema: pa.Schema, fields: Sequence[Field], options: _Options, day: date) -> pa.RecordBatch:
    rows = list(report(options.account_ids, day, _restated(options, day)))
    arrays = [
        pa.array([row[field.field_id] for row in rows], type) for field, type in zip(fields, schema.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _restated(options: _Options, day: date) -> int:
    """How often a recent day has been read before: each reading finds its figures corrected once more."""
    if not options.restatements or options.newest_day is None or options.memory is None:
        return 0
    if not 0 <= (options.newest_day - day).days < RESTATED_DAYS:
        return 0
    return (options.memory.add(f"read {day}") or 1) - 1


SOURCE: Source = DemoAds()
