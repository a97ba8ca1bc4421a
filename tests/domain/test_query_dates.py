"""Dates of a query as callers write them, and the names of whole ranges."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.days import DayRange
from dayfill.domain.query_dates import day_of, range_of

TODAY = date(2024, 3, 31)  # a Sunday, the day after which a month is shorter

DAYS = [
    ("2024-01-31", date(2024, 1, 31)),
    ("@1706659200", date(2024, 1, 31)),
    ("today", TODAY),
    ("now", TODAY),
    ("Yesterday", date(2024, 3, 30)),
    ("tomorrow", date(2024, 4, 1)),
    ("-7 days", date(2024, 3, 24)),
    ("7daysAgo", date(2024, 3, 24)),
    ("1 day ago", date(2024, 3, 30)),
    ("-2 weeks", date(2024, 3, 17)),
    ("+1 week", date(2024, 4, 7)),
    ("-1 month", date(2024, 3, 2)),
    ("-1 year", date(2023, 3, 31)),
    ("2 months ago", date(2024, 1, 31)),
    ("last sunday", date(2024, 3, 24)),
    ("previous Monday", date(2024, 3, 25)),
    ("next  sunday", date(2024, 4, 7)),
    ("next monday", date(2024, 4, 1)),
    ("first day of this month", date(2024, 3, 1)),
    ("last day of last month", date(2024, 2, 29)),
    ("last day of next month", date(2024, 4, 30)),
]


@pytest.mark.parametrize(("text", "expected"), DAYS, ids=lambda value: str(value))
def test_a_date_is_understood(text: str, expected: date) -> None:
    assert day_of(text, TODAY) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "31.01.2024", "2024-1-31", "-7", "- 7 days old", "first day of last year"]
)
def test_what_is_not_understood_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a date that is understood here; known are 2024-01-31, today"):
        day_of(text, TODAY)


@pytest.mark.parametrize("text", ["2023-02-29", "@x", "@" + "9" * 40, "-99999 years", "99999 years ago", "2024-13-01"])
def test_what_no_calendar_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a day of the calendar"):
        day_of(text, TODAY)


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_a_sentence(text: str) -> None:
    try:
        day_of(text, TODAY)
    except ValueError as error:
        assert "known are" in str(error) or "calendar" in str(error)


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(1, 5000))
def test_days_away_count_days(today: date, number: int) -> None:
    day = today - timedelta(days=number)
    assert (
        day_of(f"-{number} days", today) == day_of(f"{number}daysAgo", today) == day_of(day.isoformat(), today) == day
    )


RANGES = [
    ("today", "2024-03-31", "2024-03-31"),
    ("yesterday", "2024-03-30", "2024-03-30"),
    ("last_7_days", "2024-03-24", "2024-03-30"),
    ("last_7_days_inc", "2024-03-25", "2024-03-31"),
    ("last_1_days", "2024-03-30", "2024-03-30"),
    ("last_month", "2024-02-01", "2024-02-29"),
    ("last_year", "2023-01-01", "2023-12-31"),
]


@pytest.mark.parametrize(("name", "start", "end"), RANGES)
def test_a_range_is_understood(name: str, start: str, end: str) -> None:
    assert range_of(name, TODAY) == DayRange(date.fromisoformat(start), date.fromisoformat(end))


def test_custom_leaves_it_to_the_dates() -> None:
    assert range_of("custom", TODAY) is None


@pytest.mark.parametrize("name", ["last_0_days", "last_x_days", "this_month", "LAST_MONTH", "last_7_days_ago"])
def test_another_range_is_refused_with_those_that_are_known(name: str) -> None:
    with pytest.raises(ValueError, match="is not known; use one of custom, today, yesterday, last_7_days"):
        range_of(name, TODAY)
