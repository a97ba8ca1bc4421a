"""What the pages say of days and backfills, in words and numbers: pure, so that a test reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dayfill.domain.backfill import Backfill
from dayfill.domain.days import DayRange, DayState, ranges_of, vector
from dayfill.domain.live import Progress
from dayfill.domain.parking import Waiting
from dayfill.domain.schedule import Interval, Schedule
from dayfill.store.teams import Member
from dayfill.ui.render import lasting

NAMES = {
    DayState.LOADED: "loaded",
    DayState.STALE: "stale",
    DayState.FAILED: "failed",
    DayState.RUNNING: "running",
    DayState.QUEUED: "queued",
    DayState.MISSING: "missing",
}
"""In the order of the legend."""
NAMES_BY_LETTER = {state.value: name for state, name in NAMES.items()}
SURE_AFTER_DAYS = 20
"""Before so many days are done the time left is a range."""
_RANGES_SHOWN = 8
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def name_of(member: Member) -> str:
    """Who somebody is, in as few words as are known."""
    return f"{member.first_name} {member.last_name}".strip() or member.email


def share(backfill: Backfill) -> float:
    """Days that have had their final attempt, in percent with one decimal, rounded down: 100 is the end."""
    return int(1000 * (backfill.completed + backfill.failed) / backfill.total) / 10


def queued(backfill: Backfill) -> int:
    """Days that neither run nor have ended, whether their runs exist yet or not."""
    return backfill.total - backfill.completed - backfill.failed - backfill.cancelled - backfill.running


def left_text(progress: Progress) -> str:
    """How long it will take: ``1 min 38 s left``, a range while little tells, or why it does not go on."""
    backfill, seconds = progress.backfill, progress.eta_seconds
    if backfill.paused_time is not None:
        return "paused"
    if seconds is None:
        return "waits for its first days"
    if backfill.completed + backfill.failed < SURE_AFTER_DAYS:
        return f"{lasting(seconds / 2)} to {lasting(seconds * 2)} left"
    return f"{lasting(seconds)} left"


WAITS = {
    "quota": "waiting for quota",
    "source": "waiting for the source",
    "destination": "waiting for the destination",
    "rows": "waiting for rows of the month",
    "cluster": "waiting for the cluster",
}


def waits(waiting: Waiting | None) -> str:
    """What nothing starts for, where a time left would stand; empty if something starts."""
    return WAITS[waiting.reason] if waiting else ""


def month_counts(first: date | None, states: str) -> list[tuple[str, dict[DayState, int]]]:
    """Days of each state by month (YYYY-MM), newest month first: the calendar as a table."""
    months: dict[str, dict[DayState, int]] = {}
    if first is not None:
        start = first.toordinal()
        for index, state in enumerate(states):
            month = date.fromordinal(start + index).isoformat()[:7]
            counts = months.setdefault(month, dict.fromkeys(NAMES, 0))
            counts[DayState(state)] += 1
    return sorted(months.items(), reverse=True)


@dataclass(frozen=True, slots=True)
class Ranges:
    """Days as ranges, newest first: those that are shown, and how many more there are."""

    shown: Sequence[DayRange]
    more: int


def ranges(days: Iterable[date]) -> Ranges:
    found = ranges_of(days)[::-1]
    return Ranges(found[:_RANGES_SHOWN], max(len(found) - _RANGES_SHOWN, 0))


def preview(span: DayRange, states: Sequence[tuple[date, DayState]], chosen: Iterable[DayRange]) -> str:
    """The days of a span as a vector in which just the chosen ones are queued."""
    now = [DayState(state) for state in vector(span, states)]
    wanted = {day for one in chosen for day in one}
    shown = (
        DayState.QUEUED if day in wanted else DayState.MISSING if state is DayState.QUEUED else state
        for day, state in zip(span, now, strict=True)
    )
    return "".join(state.value for state in shown)


def state_counts(counts: Mapping[DayState, int]) -> str:
    """``20 loaded, 2 failed``; what there is none of is left out."""
    return ", ".join(f"{counts[state]:,} {name}" for state, name in NAMES.items() if counts.get(state))


def every(schedule: Schedule) -> str:
    """``daily at 05:00 UTC, the last 7 days``."""
    window = "the last day" if schedule.refresh_window == 1 else f"the last {schedule.refresh_window} days"
    hour = f"at {schedule.hour:02}:00 UTC"
    match schedule.interval:
        case Interval.HOURLY:
            when = "hourly"
        case Interval.DAILY:
            when = f"daily {hour}"
        case Interval.WEEKLY:
            when = f"{WEEKDAYS[schedule.weekday - 1]}s {hour}"
        case Interval.MONTHLY:
            when = f"monthly on day {schedule.month_day} {hour}"
    return f"{when}, {window}"


def median(numbers: Sequence[float]) -> float | None:
    return percentile(numbers, 50)


def percentile(numbers: Sequence[float], percent: int) -> float | None:
    """The number below or at which this part of them lies; None of none."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] if ordered else None
