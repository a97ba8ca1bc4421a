"""When a transfer refreshes itself: hourly, daily, weekly or monthly, each slot once."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Interval(StrEnum):
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule of a transfer.

    hour: 0-23 on the zone's wall clock (UTC on the wire), not used by hourly. weekday: 1 = Monday .. 7 = Sunday,
    weekly only. month_day: 1-31, monthly only; past the month's end it means the last day. refresh_window: days.
    """

    interval: Interval
    refresh_window: int = 1
    hour: int = 0
    weekday: int = 1
    month_day: int = 1

    @property
    def between(self) -> timedelta:
        """How far slots lie apart, in whole days: at least one, for months at most."""
        return timedelta(days={Interval.WEEKLY: 7, Interval.MONTHLY: 31}.get(self.interval, 1))


def next_slot(schedule: Schedule, after: datetime, zone: str = "UTC") -> datetime:
    """The first slot later than ``after``, as an instant in UTC.

    A wall-clock hour that a time-zone change skips runs once, at the first instant after the gap; an hour that
    is repeated runs once, at its first occurrence.
    """
    if schedule.interval is Interval.HOURLY:
        return after.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    tz = ZoneInfo(zone)
    day = after.astimezone(tz).date()  # the clock has passed every slot of an earlier day, even one that a gap moved
    while True:
        if _falls_on(schedule, day):
            slot = _instant(datetime.combine(day, time(schedule.hour)), tz)
            if slot > after:
                return slot
        day += timedelta(days=1)


def _falls_on(schedule: Schedule, day: date) -> bool:
    match schedule.interval:
        case Interval.WEEKLY:
            return day.isoweekday() == schedule.weekday
        case Interval.MONTHLY:
            last = calendar.monthrange(day.year, day.month)[1]
            return day.day == min(schedule.month_day, last)
        case _:
            return True


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock time: the first of two, or the end of the gap that swallows it."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    # In a gap, fold=0 reads the clock before the change and fold=1 after it; the change itself lies between.
    low, high = sorted((instant, wall.replace(tzinfo=zone, fold=1).astimezone(UTC)))
    offset = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
