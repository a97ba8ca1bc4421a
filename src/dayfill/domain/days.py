"""Data dates: plain civil days of the source account, never converted between time zones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
"""Bounds of the days that dayfill accepts; a typing error such as 0204 is caught, no real data is refused."""

WHOLE = date.min
"""The day of what has no days. Tables that are replaced as a whole are read, loaded, recorded and compared as one day
more; it lies before `FIRST_DAY`, so no range and no calendar holds it.
"""

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class DayState(StrEnum):
    """State of one day of a transfer; the value is its character in a days vector."""

    MISSING = "."
    LOADED = "l"
    FAILED = "f"
    RUNNING = "r"
    QUEUED = "q"
    STALE = "s"


BY_LETTER = {state.value: state for state in DayState}
"""For ten thousand days at once: calling the enumeration takes longer than reading them."""


@dataclass(frozen=True, slots=True, order=True)
class DayRange:
    """Days from ``start`` to ``end``, both included.

    Raises:
        ValueError: start lies after end.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise ValueError(f"{self.start} lies after {self.end}")

    def __len__(self) -> int:
        return (self.end - self.start).days + 1

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end

    def __iter__(self) -> Iterator[date]:
        """Oldest first."""
        return (self.start + timedelta(days=n) for n in range(len(self)))

    def newest_first(self) -> Iterator[date]:
        return (self.end - timedelta(days=n) for n in range(len(self)))

    def __str__(self) -> str:
        return f"{self.start}..{self.end}"


def parse_day(text: str) -> date:
    """``YYYY-MM-DD`` in ASCII digits, as a date.

    Raises:
        ValueError: another form, or a day that no calendar has (2023-02-29).
    """
    if not _ISO_DAY.fullmatch(text):
        raise ValueError(f"{text!r} is not a date of the form YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is not a day of the calendar") from None


def name_of(day: date) -> str:
    """A day as people read it."""
    return "tables without days" if day == WHOLE else str(day)


def ranges_of(days: Iterable[date]) -> list[DayRange]:
    """The fewest ranges that hold exactly these days, oldest first; repeated days count once."""
    ranges: list[DayRange] = []
    for day in sorted(set(days)):
        if ranges and ranges[-1].end + ONE_DAY == day:
            ranges[-1] = DayRange(ranges[-1].start, day)
        else:
            ranges.append(DayRange(day, day))
    return ranges


def days_of(ranges: Iterable[DayRange]) -> list[date]:
    """All days of the ranges, newest first: the inverse of `ranges_of`."""
    return sorted({day for one in ranges for day in one}, reverse=True)


def refresh_window(now: datetime, days: int, zone: str = "UTC") -> DayRange:
    """The last ``days`` days up to and including today, where today is the zone's."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return DayRange(today - timedelta(days=days - 1), today)


def slot_window(now: datetime, days: int, zone: str = "UTC", since: timedelta = ONE_DAY) -> DayRange:
    """The refresh window of a slot, and the day that the zone's clock has jumped over since the slot before.

    Slots lie in UTC. When clocks go forward, today can be one day more after what was today then: the day between would
    never be read. since: how long ago the slot before was, in whole days.
    """
    window, before = refresh_window(now, days, zone), refresh_window(now - since, days, zone)
    return DayRange(min(window.start, before.start + since), window.end)


def latest_today(now: datetime, zone: str) -> date:
    """Today in UTC or in the zone, whichever is later: no day after it can have data yet."""
    return max(now.astimezone(ZoneInfo("UTC")).date(), now.astimezone(ZoneInfo(zone)).date())


def vector(span: DayRange, states: Sequence[tuple[date, DayState]]) -> str:
    """One character a day, oldest first; days that are not named are missing."""
    characters, first = [DayState.MISSING.value] * len(span), span.start.toordinal()
    for day, state in states:
        if 0 <= (at := day.toordinal() - first) < len(characters):
            characters[at] = state
    return "".join(characters)
