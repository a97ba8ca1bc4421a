"""Sources whose every reading of a day stamps its rows with a version that only ever grows, and leaves a trace.

The version is the wall clock in microseconds at the start of the reading, so a day that holds an older version than
the start of the run that counts is stale, and a day that holds two versions is a mixture.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from zlib import crc32

import pyarrow as pa

from dayfill.domain.transfer import Table
from dayfill.errors import ConnectorError, Transient
from dayfill.sources import Setting, SourceConfig

KINDS = {"STAMPED": 8, "STAMPED_SINGLY": 1}
"""Days that one reading serves: those of the first kind share slices, those of the second are loaded side by side."""
COLUMN = "data_date"
SCHEMA = pa.schema(
    [
        (COLUMN, pa.date32()),
        ("version", pa.int64()),
        ("part", pa.int64()),
        ("flavour", pa.int64()),
        ("padding", pa.string()),
    ],
)
BATCHES = 3


@dataclass(frozen=True)
class Habits:
    """How the source behaves in this process; the last four are chances from 0 to 1.

    padding: random characters in each row, for days that are large.
    trace: file that every reading is written to when it starts. delay: the longest time of a reading, in seconds.
    poison: the day that kills its reader. transient: refuses. broken: refuses half-way. truncated: stops without
    saying that this was all. miscounted: states another number of rows than it sends.
    """

    trace: str = ""
    seed: int = 0
    delay: float = 0.0
    padding: int = 0
    poison: str = ""
    transient: float = 0.0
    broken: float = 0.0
    truncated: float = 0.0
    miscounted: float = 0.0


def size(version: int, day: date, table: str) -> int:
    """Rows of this reading of this day: known to whoever knows the version."""
    return 40 + crc32(f"{version} {day} {table}".encode()) % 160


@dataclass
class Stamped:
    """A kind of source; meets the `Source` protocol."""

    kind: str
    max_days_per_read: int
    title: str = "Stamped"
    description: str = "For tests: every reading differs from every other."
    settings: tuple[Setting, ...] = (Setting("flavour", "Flavour"),)
    has_accounts: bool = False
    lists_accounts: bool = False
    reads_whole: bool = False
    habits: Habits = Habits()
    chance: Random = field(default_factory=Random)

    def behave(self, habits: Habits) -> None:
        self.habits, self.chance = habits, Random(habits.seed)

    def check(self, config: SourceConfig, table: Table) -> None: ...

    def schema(self, config: SourceConfig, table: Table) -> pa.Schema:
        return SCHEMA

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> Reading:
        version = time.time_ns() // 1000
        note(self.habits.trace, what="read", version=version, table=table.name, days=[str(day) for day in days])
        if self.habits.poison in map(str, days):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.happens(self.habits.transient):
            raise Transient("SOURCE", "The stamped source is not in the mood.")
        return Reading(self, version, table.name, list(days), int(str(config.settings.get("flavour") or 0)))

    def happens(self, probability: float) -> bool:
        return probability > 0 and self.chance.random() < probability


class Reading:
    """One reading, as `dayfill.sources.DaysRead` describes it: the rows of all days, in a few batches."""

    date_column = COLUMN

    def __init__(self, source: Stamped, version: int, table: str, days: list[date], flavour: int) -> None:
        self.source, self.version, self.table, self.days, self.flavour = source, version, table, days, flavour
        self.failed_days: Mapping[date, ConnectorError] = {}
        self.complete = not source.happens(source.habits.truncated)
        rows = sum(size(version, day, table) for day in days)
        self.stated_rows: int | None = rows + source.happens(source.habits.miscounted)
        if not self.complete:
            self.stated_rows = None  # nothing but the missing end says that rows are missing
        self.reader = pa.RecordBatchReader.from_batches(SCHEMA, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """Every batch has a share of every day, so that a reading that is cut short is one of all its days."""
        habits, chance = self.source.habits, self.source.chance
        pause = chance.random() * habits.delay / BATCHES
        for turn in range(BATCHES):
            time.sleep(pause)
            if turn == 1 and self.source.happens(habits.broken):
                raise Transient("SOURCE", "The stamped source broke off half-way.")
            if turn == BATCHES - 1 and not self.complete:
                return
            yield self._batch(turn)

    def _batch(self, turn: int) -> pa.RecordBatch:
        rows = [(day, part) for day in self.days for part in range(turn, size(self.version, day, self.table), BATCHES)]
        chance, padding = self.source.chance, self.source.habits.padding
        columns = [
            pa.array([day for day, _ in rows], pa.date32()),
            pa.array([self.version] * len(rows), pa.int64()),
            pa.array([part for _, part in rows], pa.int64()),
            pa.array([self.flavour] * len(rows), pa.int64()),
            pa.array([chance.randbytes(padding // 2).hex() for _ in rows], pa.string()),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def note(trace: str, **event: object) -> None:
    """One line in the trace: appended by one write, so lines of several threads and processes never mix."""
    if trace:
        line = json.dumps({"at": time.time(), "pid": os.getpid(), **event}) + "\n"
        file = os.open(trace, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)


SOURCES = [Stamped(kind, days) for kind, days in KINDS.items()]
