"""The dates of a query: fixed days, days seen from today in English, and names of whole ranges."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from dayfill.domain.days import ONE_DAY, DayRange, parse_day

RANGE_TYPES = "custom, today, yesterday, last_7_days, last_7_days_inc (any number), last_month, last_year"
_FORMS = "2024-01-31, today, yesterday, -7 days, 2 weeks ago, last monday, first day of last month"

_NAMED = {"today": 0, "now": 0, "yesterday": -1, "tomorrow": 1}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS_AWAY = {"this": 0, "last": -1, "previous": -1, "next": 1}
_AWAY = re.compile(r"([+-]?)\s?(\d{1,5})\s?(day|week|month|year)s?(\s?ago)?", re.ASCII)
_WEEKDAY = re.compile(rf"(last|previous|next) ({'|'.join(_WEEKDAYS)})")
_EDGE = re.compile(r"(first|last) day of (this|last|previous|next) month")
_DAYS = re.compile(r"last_([1-9]\d{0,4})_days(_inc)?", re.ASCII)


def day_of(text: str, today: date) -> date:
    """The day that a date string means.

    Raises:
        ValueError: another form, or no day of the calendar.
    """
    try:
        if len(text) == 10 and text[4] == text[7] == "-":
            return parse_day(text)
        if text.startswith("@"):
            return datetime.fromtimestamp(int(text[1:]), UTC).date()
        found = _relative(" ".join(text.lower().split()), today)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"{text[:100]!r} is not a day of the calendar; send one such as 2024-01-31") from error
    if found is None:
        raise ValueError(f"{text[:100]!r} is not a date that is understood here; known are {_FORMS}")
    return found


def range_of(range_type: str, today: date) -> DayRange | None:
    """The days that a range type means; None for ``custom``, which leaves it to the two dates.

    ``last_7_days`` ends yesterday, ``last_7_days_inc`` today; a month or a year is one of the calendar.

    Raises:
        ValueError: a type that is not known.
    """
    if range_type == "custom":
        return None
    if range_type in ("today", "yesterday"):
        day = today + ONE_DAY * _NAMED[range_type]
        return DayRange(day, day)
    if match := _DAYS.fullmatch(range_type):
        end = today if match[2] else today - ONE_DAY
        return DayRange(end - ONE_DAY * (int(match[1]) - 1), end)
    if range_type == "last_month":
        return DayRange(_month(today, -1), _month(today, 0) - ONE_DAY)
    if range_type == "last_year":
        return DayRange(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))
    raise ValueError(f"date_range_type {range_type[:50]!r} is not known; use one of {RANGE_TYPES}")


def _relative(words: str, today: date) -> date | None:
    if words in _NAMED:
        return today + ONE_DAY * _NAMED[words]
    if match := _AWAY.fullmatch(words):
        number = int(match[2]) * (-1 if (match[1] == "-") != bool(match[4]) else 1)
        return _away(today, number, match[3])
    if match := _WEEKDAY.fullmatch(words):
        steps = (_WEEKDAYS.index(match[2]) - today.weekday()) % 7
        return today + timedelta(days=steps or 7) if match[1] == "next" else today + timedelta(days=steps - 7)
    if match := _EDGE.fullmatch(words):
        months = _MONTHS_AWAY[match[2]]
        return _month(today, months) if match[1] == "first" else _month(today, months + 1) - ONE_DAY
    return None


def _away(today: date, number: int, unit: str) -> date:
    if unit in ("day", "week"):
        return today + timedelta(days=number * (7 if unit == "week" else 1))
    # A day that the month does not have runs over into the next one, as in the date strings that callers know.
    return _month(today, number * (12 if unit == "year" else 1)) + timedelta(days=today.day - 1)


def _month(today: date, away: int) -> date:
    """The first day of the month so many months away."""
    years, month = divmod(today.month - 1 + away, 12)
    return date(today.year + years, month + 1, 1)
