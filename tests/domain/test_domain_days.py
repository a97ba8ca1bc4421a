"""Days: strict dates, ranges that lose and double nothing, today in odd zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dayfill.domain.days import (
    FIRST_DAY,
    LAST_DAY,
    ONE_DAY,
    DayRange,
    DayState,
    days_of,
    latest_today,
    parse_day,
    ranges_of,
    refresh_window,
    vector,
)

DAYS = st.dates(FIRST_DAY, LAST_DAY)
NEAR_DAYS = st.dates(date(2023, 12, 1), date(2024, 3, 31))
ZONES = st.sampled_from(sorted(available_timezones()))
INSTANTS = st.timedeltas(timedelta(days=1), timedelta(days=40_000)).map(
    lambda age: datetime(1990, 1, 1, tzinfo=UTC) + age
)


@st.composite
def ranges(draw: st.DrawFn) -> DayRange:
    start = draw(NEAR_DAYS)
    return DayRange(start, start + timedelta(days=draw(st.integers(0, 40))))


# -- one range


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="2024-03-02 lies after 2024-03-01"):
        DayRange(date(2024, 3, 2), date(2024, 3, 1))


@given(ranges())
def test_a_range_holds_its_first_and_last_day_and_nothing_beyond(span: DayRange) -> None:
    assert span.start in span
    assert span.end in span
    assert span.start - ONE_DAY not in span
    assert span.end + ONE_DAY not in span


@given(ranges())
def test_a_range_walks_every_day_once_in_both_directions(span: DayRange) -> None:
    oldest_first = list(span)
    assert len(oldest_first) == len(span) == len(set(oldest_first))
    assert oldest_first == sorted(day for day in oldest_first if day in span)
    assert list(span.newest_first()) == oldest_first[::-1]


def test_a_range_counts_the_leap_day() -> None:
    assert len(DayRange(date(2024, 2, 28), date(2024, 3, 1))) == 3
    assert len(DayRange(date(2023, 2, 28), date(2023, 3, 1))) == 2
    assert len(DayRange(date(2024, 1, 1), date(2024, 12, 31))) == 366


def test_a_range_reads_as_its_two_days() -> None:
    assert str(DayRange(date(2024, 1, 1), date(2024, 1, 31))) == "2024-01-01..2024-01-31"


# -- text to day


@given(st.dates())
def test_an_iso_day_is_read_as_that_day(day: date) -> None:
    assert parse_day(day.isoformat()) == day


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024",
        "2024-1-1",
        "20240101",
        "2024-W01-1",
        "2024-001",
        "2024-01-01T00:00:00",
        "2024-01-01\n",
        " 2024-01-01",
        "+2024-01-01",
        "02024-01-01",
        "2024/01/01",
        "2024\u201001\u201001",  # hyphens that are not ASCII
        "\u0662\u0660\u0662\u0664-\u0660\u0661-\u0660\u0661",  # digits for str.isdigit, not for us
        "\uff12\uff10\uff12\uff14-01-01",
    ],
)
def test_another_form_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date of the form YYYY-MM-DD"):
        parse_day(text)


@pytest.mark.parametrize("text", ["2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "2024-00-10", "0000-01-01"])
def test_a_day_that_no_calendar_has_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=f"{text} is not a day of the calendar"):
        parse_day(text)


@given(st.text(alphabet="0123456789-\u0663/T ", max_size=12))
@example("2024-02-29")
def test_whatever_is_read_is_written_back_the_same(text: str) -> None:
    try:
        day = parse_day(text)
    except ValueError:
        return
    assert day.isoformat() == text


# -- days to ranges and back


@given(st.lists(NEAR_DAYS))
def test_ranges_hold_exactly_the_days_given(days: list[date]) -> None:
    assert days_of(ranges_of(days)) == sorted(set(days), reverse=True)


@given(st.lists(NEAR_DAYS))
def test_ranges_are_the_fewest_that_can_hold_the_days(days: list[date]) -> None:
    found = ranges_of(days)
    for one, following in pairwise(found):
        assert one.end + ONE_DAY < following.start


@given(st.lists(ranges(), max_size=6))
def test_overlapping_ranges_give_each_day_once(spans: list[DayRange]) -> None:
    days = days_of(spans)
    assert set(days) == {day for span in spans for day in span}
    assert days == sorted(set(days), reverse=True)


# -- today


@pytest.mark.parametrize(
    ("now", "zone", "today"),
    [
        ("2024-02-29T09:59:59+00:00", "Pacific/Kiritimati", "2024-02-29"),
        ("2024-02-29T10:00:00+00:00", "Pacific/Kiritimati", "2024-03-01"),
        ("2024-03-01T10:59:59+00:00", "Pacific/Niue", "2024-02-29"),
        ("2011-12-30T09:59:59+00:00", "Pacific/Apia", "2011-12-29"),
        ("2011-12-30T10:00:00+00:00", "Pacific/Apia", "2011-12-31"),  # the 30th never was
        ("2024-03-10T05:00:00+00:00", "America/New_York", "2024-03-10"),
        ("2024-11-04T04:59:59+00:00", "America/New_York", "2024-11-03"),  # a day of 25 hours
        ("2024-01-01T05:44:59+05:45", "UTC", "2023-12-31"),
    ],
)
def test_the_refresh_window_ends_today_where_the_zone_is(now: str, zone: str, today: str) -> None:
    instant, day = datetime.fromisoformat(now), date.fromisoformat(today)
    assert refresh_window(instant, 1, zone) == DayRange(day, day)
    assert refresh_window(instant, 3, zone) == DayRange(day - 2 * ONE_DAY, day)


@given(INSTANTS, st.integers(1, 366), ZONES)
def test_the_refresh_window_has_as_many_days_as_asked(now: datetime, days: int, zone: str) -> None:
    window = refresh_window(now, days, zone)
    assert len(window) == days
    assert window.end == now.astimezone(ZoneInfo(zone)).date()


def test_a_refresh_window_without_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="lies after"):
        refresh_window(datetime(2024, 1, 1, tzinfo=UTC), 0)


@pytest.mark.parametrize(
    ("now", "zone", "latest"),
    [
        ("2024-06-01T12:00:00+00:00", "Pacific/Kiritimati", "2024-06-02"),
        ("2024-06-01T01:00:00+00:00", "America/Los_Angeles", "2024-06-01"),
        ("2011-12-30T12:00:00+00:00", "Pacific/Apia", "2011-12-31"),
        ("2024-06-01T23:30:00+00:00", "UTC", "2024-06-01"),
    ],
)
def test_the_latest_today_is_the_later_of_utc_and_zone(now: str, zone: str, latest: str) -> None:
    assert latest_today(datetime.fromisoformat(now), zone) == date.fromisoformat(latest)


@given(INSTANTS, ZONES, st.integers(-14, 14))
def test_the_latest_today_does_not_depend_on_how_the_instant_is_written(now: datetime, zone: str, hours: int) -> None:
    latest = latest_today(now, zone)
    assert latest == latest_today(now.astimezone(timezone(timedelta(hours=hours))), zone)
    assert refresh_window(now, 1, zone).end <= latest
    assert now.date() <= latest


# -- the days vector


@given(ranges(), st.dictionaries(NEAR_DAYS, st.sampled_from(DayState)))
def test_the_vector_says_each_day_of_the_span_and_no_other(span: DayRange, states: dict[date, DayState]) -> None:
    characters = vector(span, list(states.items()))
    assert len(characters) == len(span)
    assert dict(zip(span, characters, strict=True)) == {day: states.get(day, DayState.MISSING).value for day in span}


def test_the_characters_are_those_of_the_contract() -> None:
    assert {state.name: state.value for state in DayState} == {
        "MISSING": ".",
        "LOADED": "l",
        "FAILED": "f",
        "RUNNING": "r",
        "QUEUED": "q",
        "STALE": "s",
    }
