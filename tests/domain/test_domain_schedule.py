"""Schedules: no slot is skipped or repeated, in any zone, over any change of its clocks.

The oracle knows nothing of gaps and folds: it walks the minutes of UTC, looks at the wall clock, and a slot is the
first minute at which the wall clock has reached the day and hour.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.days import slot_window
from dayfill.domain.schedule import Interval, Schedule, next_slot

ONE_MINUTE, ONE_HOUR, ONE_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MINUTES = [n * ONE_MINUTE for n in range(60)]
ALL_ZONES = sorted(available_timezones())
ODD_ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia", "Asia/Kathmandu"]

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


def slots(schedule: Schedule, after: datetime, zone: str) -> Iterator[datetime]:
    while True:
        after = next_slot(schedule, after, zone)
        yield after


def slots_within(schedule: Schedule, start: datetime, end: datetime, zone: str) -> list[datetime]:
    """Slots later than start, up to and with end."""
    found = []
    for slot in slots(schedule, start, zone):
        if slot > end:
            return found
        found.append(slot)
    raise AssertionError("slots never end")


def is_due(schedule: Schedule, day: date) -> bool:
    if schedule.interval is Interval.DAILY:
        return True
    if schedule.interval is Interval.WEEKLY:
        return day.isoweekday() == schedule.weekday
    return day.day == schedule.month_day or (
        (day + ONE_DAY).month != day.month and schedule.month_day > day.day  # the last day stands in for the missing
    )


def walls(start: datetime, hours: int, zone: str) -> list[datetime]:
    """What the zone's wall clock shows at each minute from start on; looked up minute by minute where it changes."""
    tz, shown = ZoneInfo(zone), []
    for n in range(hours):
        hour = start + n * ONE_HOUR
        first, last = hour.astimezone(tz), (hour + ONE_HOUR).astimezone(tz)
        wall = first.replace(tzinfo=None)
        if first.utcoffset() == last.utcoffset():
            shown += [wall + minute for minute in MINUTES]
        else:
            shown += [(hour + minute).astimezone(tz).replace(tzinfo=None) for minute in MINUTES]
    return shown


def reached(shown: list[datetime]) -> dict[datetime, int]:
    """Each full hour of the wall clock, from the first midnight on -> the first minute at which it is past."""
    found, hour = {}, datetime.combine(shown[0].date(), time(0))
    for n, wall in enumerate(shown):
        while hour <= wall:
            found[hour] = n
            hour += ONE_HOUR
    return found


def oracle(schedule: Schedule, start: datetime, hours: dict[datetime, int]) -> list[datetime]:
    """Slots later than start, by the hours that the wall clock reaches from start on."""
    due = {n for hour, n in hours.items() if hour.hour == schedule.hour and is_due(schedule, hour.date())}
    return [start + n * ONE_MINUTE for n in sorted(due) if n > 0]


# -- every change of a clock, in every zone


def clock_changes(first: date, last: date) -> Iterator[tuple[str, datetime]]:
    """Each zone and each noon of UTC after which its offset changes within a day."""
    for zone in ALL_ZONES:
        tz = ZoneInfo(zone)
        noons = [datetime.combine(first + n * ONE_DAY, time(12), UTC) for n in range((last - first).days + 1)]
        offsets = [noon.astimezone(tz).utcoffset() for noon in noons]
        yield from ((zone, noon) for noon, (a, b) in zip(noons, pairwise(offsets), strict=False) if a != b)


def test_every_hour_fires_once_at_every_clock_change_of_every_zone() -> None:
    """From the autumn of 2025 to that of 2026: all daylight saving, north, south, by half an hour, around Ramadan."""
    seen: set[tuple[datetime, ...]] = set()
    for zone, noon in clock_changes(date(2025, 9, 1), date(2026, 9, 1)):
        start = noon - ONE_DAY
        shown = walls(start, 3 * 24, zone)
        if tuple(shown) in seen:
            continue
        seen.add(tuple(shown))
        end, hours = start + (len(shown) - 1) * ONE_MINUTE, reached(shown)
        for hour in range(24):
            daily = Schedule(Interval.DAILY, hour=hour)
            assert slots_within(daily, start, end, zone) == oracle(daily, start, hours), (zone, noon, hour)
    assert len(seen) > 50


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


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Pacific/Apia", "2011-12-28T12:00:00+00:00"),  # Friday the 30th never was
        ("Pacific/Kwajalein", "1993-08-19T12:00:00+00:00"),  # nor Saturday the 21st here (the 20th in newer tables)
        ("America/Sao_Paulo", "2018-11-02T12:00:00+00:00"),  # a day without a midnight
        ("Asia/Pyongyang", "2018-05-03T12:00:00+00:00"),
        ("America/Caracas", "2007-12-07T12:00:00+00:00"),
        ("Antarctica/Troll", "2024-03-29T12:00:00+00:00"),  # by two hours
    ],
)
@pytest.mark.parametrize("interval", [Interval.DAILY, Interval.WEEKLY, Interval.MONTHLY])
def test_the_strangest_clock_changes_agree_with_the_oracle(zone: str, start: str, interval: Interval) -> None:
    first = datetime.fromisoformat(start)
    shown = walls(first, 5 * 24, zone)
    end, hours = first + (len(shown) - 1) * ONE_MINUTE, reached(shown)
    for hour in range(24):
        for day in {wall.date() for wall in shown}:
            schedule = Schedule(interval, hour=hour, weekday=day.isoweekday(), month_day=day.day)
            assert slots_within(schedule, first, end, zone) == oracle(schedule, first, hours), schedule


def test_an_hour_that_is_skipped_fires_at_the_end_of_the_gap() -> None:
    two_at_night = Schedule(Interval.DAILY, hour=2)
    found = list(islice(slots(two_at_night, datetime(2026, 3, 7, 12, tzinfo=UTC), "America/New_York"), 2))
    assert [slot.isoformat() for slot in found] == ["2026-03-08T07:00:00+00:00", "2026-03-09T06:00:00+00:00"]


def test_an_hour_that_is_repeated_fires_at_its_first_occurrence_only() -> None:
    one_at_night = Schedule(Interval.DAILY, hour=1)
    found = list(islice(slots(one_at_night, datetime(2025, 11, 1, 12, tzinfo=UTC), "America/New_York"), 2))
    assert [slot.isoformat() for slot in found] == ["2025-11-02T05:00:00+00:00", "2025-11-03T06:00:00+00:00"]


# -- a whole year


@pytest.mark.parametrize("zone", ODD_ZONES)
@pytest.mark.parametrize("hour", [0, 2, 3, 23])
def test_a_year_of_days_has_one_slot_for_each(zone: str, hour: int) -> None:
    tz = ZoneInfo(zone)
    start = datetime(2025, 1, 1, tzinfo=tz) - ONE_MINUTE
    found = list(islice(slots(Schedule(Interval.DAILY, hour=hour), start, zone), 365))
    assert [slot.astimezone(tz).date() for slot in found] == [date(2025, 1, 1) + n * ONE_DAY for n in range(365)]


@pytest.mark.parametrize("weekday", range(1, 8))
def test_a_year_of_weeks_keeps_its_weekday(weekday: int) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    found = list(islice(slots(Schedule(Interval.WEEKLY, weekday=weekday, hour=6), start, "UTC"), 53))
    assert {(slot.isoweekday(), slot.time()) for slot in found} == {(weekday, time(6))}
    assert {later - earlier for earlier, later in pairwise(found)} == {7 * ONE_DAY}


@pytest.mark.parametrize("month_day", [1, 28, 29, 30, 31])
def test_a_month_that_is_too_short_fires_on_its_last_day(month_day: int) -> None:
    start = datetime(2023, 12, 31, 23, tzinfo=UTC)
    found = [s.date() for s in islice(slots(Schedule(Interval.MONTHLY, month_day=month_day), start, "UTC"), 24)]
    months = [(year, month) for year in (2024, 2025) for month in range(1, 13)]
    assert found == [date(y, m, min(month_day, calendar.monthrange(y, m)[1])) for y, m in months]


def test_the_31st_of_february_is_the_leap_day() -> None:
    month_end = Schedule(Interval.MONTHLY, month_day=31)
    assert next_slot(month_end, datetime(2024, 2, 1, tzinfo=UTC)) == datetime(2024, 2, 29, tzinfo=UTC)
    assert next_slot(month_end, datetime(2023, 2, 1, tzinfo=UTC)) == datetime(2023, 2, 28, tzinfo=UTC)


@given(INSTANTS, st.sampled_from(ALL_ZONES))
def test_hourly_is_the_next_full_hour_of_utc_in_any_zone(after: datetime, zone: str) -> None:
    slot = next_slot(Schedule(Interval.HOURLY, hour=17), after.astimezone(ZoneInfo(zone)), zone)
    assert timedelta(0) < slot - after <= timedelta(hours=1)
    assert (slot.tzinfo, slot.minute, slot.second, slot.microsecond) == (UTC, 0, 0, 0)


# -- any schedule, any instant, any zone


@given(SCHEDULES, INSTANTS, st.sampled_from(ALL_ZONES))
def test_a_slot_is_later_and_on_the_clock(schedule: Schedule, after: datetime, zone: str) -> None:
    slot = next_slot(schedule, after, zone)
    assert slot > after
    assert slot.tzinfo is UTC
    assert slot.microsecond == 0


@given(SCHEDULES, INSTANTS, st.sampled_from(ALL_ZONES), st.floats(0, 1))
def test_no_slot_lies_between_an_instant_and_its_next_slot(
    schedule: Schedule, after: datetime, zone: str, part: float
) -> None:
    slot = next_slot(schedule, after, zone)
    between = min(after + (slot - after) * part, slot - timedelta(microseconds=1))
    assert next_slot(schedule, between, zone) == slot
    assert next_slot(schedule, slot, zone) > slot


@given(SCHEDULES, INSTANTS, st.sampled_from(ALL_ZONES))
def test_the_wait_is_never_longer_than_the_interval(schedule: Schedule, after: datetime, zone: str) -> None:
    longest = {Interval.HOURLY: 0, Interval.DAILY: 1, Interval.WEEKLY: 7, Interval.MONTHLY: 31}[schedule.interval]
    # A clock that is set back, or forward by a day, moves a slot by that much.
    assert next_slot(schedule, after, zone) - after <= timedelta(days=longest, hours=25)
