"""A source and a destination whose moods a story sets; every reading has a number and is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import pyarrow as pa

from dayfill.destinations import DayOutcome, DestinationConfig, FinishedDay
from dayfill.domain.days import WHOLE
from dayfill.domain.transfer import Table
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.sources import Setting, SourceConfig
from rig import Killed
from scripted import COLUMN, SCHEMA, MemoryDestination, ScriptedRead, reader

MOODS: Mapping[str, Callable[[], BaseException] | None] = {
    "fails for now": lambda: Transient("TIMEOUT", "The source did not answer."),
    "fails for good": lambda: Permanent("DATA", "The source has a bad value."),
    "lost its login": lambda: Permanent("AUTH", "The login is gone.", fatal=True),
    "wants half a minute": lambda: Transient("RATE_LIMIT", "Too many requests.", retry_after=30),
    "wants two hours": lambda: Transient("QUOTA", "Enough for today.", retry_after=7200),
    "wants thirty years": lambda: Transient("QUOTA", "Never again.", retry_after=1e9),
    "kills the server": Killed,
    "meets a bug": lambda: RuntimeError("a bug"),
    "breaks off": None,
    "miscounts": None,
    "sends another day": None,
    "names the bad day": None,
    "sends nothing": None,
}
"""How a source may answer for a day, once; those without an error are readings that are not what they should be."""


@dataclass(frozen=True)
class Reading:
    """What one reading was. rows: of each of its days."""

    days: tuple[date, ...]
    flavour: str
    rows: Mapping[date, int]


@dataclass
class MoodySource:
    """Sends each day a number of rows that changes from reading to reading, unless it is in a mood."""

    kind: str = "FILES"
    title: str = "The source"
    description: str = ""
    settings: tuple[Setting, ...] = (Setting("flavour", "Flavour"),)
    has_accounts: bool = False
    reads_whole: bool = True
    max_days_per_read: int = 3
    moods: dict[date, list[str]] = field(default_factory=dict)
    readings: dict[int, Reading] = field(default_factory=dict)

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> ScriptedRead:
        version = len(self.readings) + 1
        moods = {day: self.moods[day].pop(0) for day in days if self.moods.get(day)}
        rows = {day: 0 if moods.get(day) == "sends nothing" else 1 + version % 3 for day in days}
        self.readings[version] = Reading(tuple(days), str(config.settings["flavour"]), rows)
        for mood in moods.values():
            if (error := MOODS[mood]) is not None:
                raise error()
        bad = {day for day, mood in moods.items() if mood == "names the bad day"}
        return self._answer(version, rows, set(moods.values()), bad)

    def _answer(self, version: int, rows: Mapping[date, int], moods: set[str], bad: set[date]) -> ScriptedRead:
        dates: list[date | None] = [day for day, count in rows.items() for _ in range(count) if day not in bad]
        if "sends another day" in moods:
            dates.append(max(rows) + timedelta(days=1000))
        stated = len(dates) if "miscounts" in moods else None
        if dates and not moods.isdisjoint(("breaks off", "miscounts")):
            dates.pop()
        # The number stands beside the rows too, for a day that is empty.
        batches = reader(dates, version).read_all().replace_schema_metadata({"version": str(version)})
        failed: dict[date, ConnectorError] = {day: Permanent("DATA", "A bad value.", day=day) for day in bad}
        return ScriptedRead(
            batches.to_reader(),
            complete="breaks off" not in moods,
            stated_rows=stated,
            failed_days=failed,
            date_column=COLUMN,
        )


FAULTS = ("refuses for now", "is full for good", "answers unclearly")


@dataclass
class MoodyDestination(MemoryDestination):
    """Fails once for a day in a mood: before it has written anything, or after it has committed."""

    title: str = "The warehouse"
    moods: dict[date, list[str]] = field(default_factory=dict)

    def replace_days(
        self, config: DestinationConfig, days: Sequence[FinishedDay], before_commit: Callable[[], None]
    ) -> list[DayOutcome]:
        moods = {mood for day in days for mood in self._taken(day.data_date)}
        if "refuses for now" in moods:
            raise Transient("UNREACHABLE", "The warehouse does not answer.")
        if "is full for good" in moods:
            raise Permanent("DISK", "The warehouse is full.")
        outcomes = super().replace_days(config, days, before_commit)
        if "answers unclearly" in moods:
            raise Transient("UNREACHABLE", "The warehouse was lost while it committed.")
        return outcomes

    def _taken(self, day: date) -> Iterator[str]:
        if self.moods.get(day):
            yield self.moods[day].pop(0)


def version_of(rows: pa.Table) -> int:
    """The number of the reading that these rows are."""
    return int(rows.schema.metadata[b"version"])


def is_one_reading(rows: pa.Table, day: date, readings: Mapping[int, Reading]) -> bool:
    """Whether the rows are all rows of one reading of this day, each once; a table without days has no date."""
    version = version_of(rows)
    wanted = readings[version].rows[day]
    schema = SCHEMA.remove(SCHEMA.get_field_index(COLUMN)) if day == WHOLE else SCHEMA
    alike = rows.schema.equals(schema) and set(rows["version"].to_pylist()) <= {version}
    is_dated = day == WHOLE or set(rows[COLUMN].to_pylist()) <= {day}
    return alike and is_dated and len(set(rows["n"].to_pylist())) == len(rows) == wanted
