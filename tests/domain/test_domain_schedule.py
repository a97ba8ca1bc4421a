"""Schedules: no slot is skipped or repeated, and their windows leave out no day in any zone, whatever its clocks do."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.days import slot_window
from dayfill.domain.schedule import Interval, Schedule, next_slot

ONE_HOUR, ONE_DAY = timedelta(hours=1), timedelta(days=1)
ALL_ZONES = sorted(available_timezones())

SCHEDULES = st.builds(
    Schedule,
    interval=st.sampled_from(Interval),
    hour=st.integers(0, 23),
    weekday=st.integers(1, 7),
    month_day=st.integers(1, 31),
)
INSTANTS = st.timedeltas(timedelta(days=2), timedelta(days=17_500)).map(
    lambda age: datetime(1990, 1, 1, tzinfo=UTC) + age
)


def slots(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    while True:
        after = next_slot(schedule, after)
        yield after


def is_due(schedule: Schedule, at: datetime) -> bool:
    """Whether a full hour is a slot, by the words of the contract."""
    if schedule.interval is Interval.HOURLY:
        return True
    if at.hour != schedule.hour or schedule.interval is Interval.DAILY:
        return at.hour == schedule.hour
    if schedule.interval is Interval.WEEKLY:
        return at.isoweekday() == schedule.weekday
    return at.day == schedule.month_day or (
        (at + ONE_DAY).month != at.month and schedule.month_day > at.day  # the last day stands in for the missing
    )


@given(SCHEDULES, INSTANTS, st.integers(-14, 14))
def test_the_next_slot_is_the_first_full_hour_that_is_due(schedule: Schedule, after: datetime, offset: int) -> None:
    hour = after.replace(minute=0, second=0, microsecond=0) + ONE_HOUR
    while not is_due(schedule, hour):
        hour += ONE_HOUR
    slot = next_slot(schedule, after.astimezone(timezone(offset * ONE_HOUR)))
    assert (slot, slot.tzinfo) == (hour, UTC)
    assert next_slot(schedule, slot) > slot


# -- whole years


@pytest.mark.parametrize("weekday", range(1, 8))
def test_a_year_of_weeks_keeps_its_weekday(weekday: int) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    found = list(islice(slots(Schedule(Interval.WEEKLY, weekday=weekday, hour=6), start), 53))
    assert {(slot.isoweekday(), slot.time()) for slot in found} == {(weekday, time(6))}
    assert {later - earlier for earlier, later in pairwise(found)} == {7 * ONE_DAY}


@pytest.mark.parametrize("month_day", [1, 28, 29, 30, 31])
def test_a_month_that_is_too_short_fires_on_its_last_day(month_day: int) -> None:
    start = datetime(2023, 12, 31, 23, tzinfo=UTC)
    found = [s.date() for s in islice(slots(Schedule(Interval.MONTHLY, month_day=month_day), start), 24)]
    months = [(year, month) for year in (2024, 2025) for month in range(1, 13)]
    assert found == [date(y, m, min(month_day, calendar.monthrange(y, m)[1])) for y, m in months]


def test_the_31st_of_february_is_the_leap_day() -> None:
    month_end = Schedule(Interval.MONTHLY, month_day=31)
    assert next_slot(month_end, datetime(2024, 2, 1, tzinfo=UTC)) == datetime(2024, 2, 29, tzinfo=UTC)
    assert next_slot(month_end, datetime(2023, 2, 1, tzinfo=UTC)) == datetime(2023, 2, 28, tzinfo=UTC)


# -- windows, at every change of a clock in every zone


def clock_changes(first: date, last: date) -> Iterator[tuple[str, datetime]]:
    """Each zone and each noon of UTC after which its offset changes within a day."""
    for zone in ALL_ZONES:
        tz = ZoneInfo(zone)
        noons = [datetime.combine(first + n * ONE_DAY, time(12), UTC) for n in range((last - first).days + 1)]
        offsets = [noon.astimezone(tz).utcoffset() for noon in noons]
        yield from ((zone, noon) for noon, (a, b) in zip(noons, pairwise(offsets), strict=False) if a != b)


@pytest.mark.parametrize("interval", [Interval.WEEKLY, Interval.MONTHLY])
def test_a_window_as_long_as_its_interval_leaves_out_no_day_at_any_clock_change(interval: Interval) -> None:
    length = Schedule(interval).between
    for zone, noon in clock_changes(date(2025, 9, 1), date(2026, 9, 1)):
        for hours in range(0, 24 * length.days, 5):
            before, slot = noon + timedelta(hours=hours) - length, noon + timedelta(hours=hours)
            first, second = (slot_window(at, length.days, zone, length) for at in (before, slot))
            assert second.start <= first.end + ONE_DAY, (zone, noon, hours)
            assert len(second) <= length.days + 1


@pytest.mark.parametrize("days", [1, 2])
def test_daily_slots_read_every_day_at_every_clock_change_of_every_zone(days: int) -> None:
    """With two days, every day comes as yesterday too, once it is over; when the clock jumps one day more is read."""
    longest = 0
    for zone, noon in clock_changes(date(2025, 9, 1), date(2026, 9, 1)):
        for hour in range(24):
            times = [noon + timedelta(days=n, hours=hour) for n in range(-2, 3)]
            windows = [slot_window(slot, days, zone) for slot in times]
            assert [window.end for window in windows] == [slot.astimezone(ZoneInfo(zone)).date() for slot in times]
            for one, following in pairwise(windows):
                over = one.end - (days - 1) * ONE_DAY  # read by this slot, and all days before it by earlier ones
                assert following.start <= over + ONE_DAY, (zone, noon, hour)
            assert all(days <= len(window) <= days + 1 for window in windows), (zone, noon, hour)
            longest = max(longest, sum(len(window) > days for window in windows))
    assert longest == 1
