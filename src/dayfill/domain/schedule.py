"""When a transfer refreshes itself: hourly, daily, weekly or monthly, each slot once."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum


class Interval(StrEnum):
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule of a transfer.

    hour: 0-23 in UTC, not used by hourly. weekday: 1 = Monday .. 7 = Sunday, weekly only. month_day: 1-31, monthly
    only; past the month's end it means the last day. refresh_window: days.
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


def next_slot(schedule: Schedule, after: datetime) -> datetime:
    """The first slot later than ``after``, in UTC."""
    after = after.astimezone(UTC)
    if schedule.interval is Interval.HOURLY:
        return after.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    slot = datetime.combine(after.date(), time(schedule.hour), UTC)
    while slot <= after or not _falls_on(schedule, slot.date()):
        slot += timedelta(days=1)
    return slot


def _falls_on(schedule: Schedule, day: date) -> bool:
    match schedule.interval:
        case Interval.WEEKLY:
            return day.isoweekday() == schedule.weekday
        case Interval.MONTHLY:
            last = calendar.monthrange(day.year, day.month)[1]
            return day.day == min(schedule.month_day, last)
        case _:
            return True
