"""Dates as people write them: ``2024-01-01``, ``-30d``, ``yesterday``, ``2024-03``, ``2024``; times as we do."""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta

from dayfill.cli.exits import usage

_WORDS = {"today": 0, "yesterday": 1}


def span(text: str, today: date) -> tuple[date, date]:
    """First and last day that the text names. A year or month that has not ended yet goes up to today.

    Raises:
        CommandError: exit 64, with what is understood.
    """
    try:
        first, last = _span(text.strip().lower(), today)
    except (ValueError, OverflowError):
        raise usage(
            f"{text!r} is not a date.",
            "Write 2024-01-31, 2024-03 (a month), 2024 (a year), yesterday, today, or -30d (30 days ago).",
        ) from None
    return first, max(first, min(last, today)) if first != last else last


def day_range(start: str, end: str | None, today: date) -> tuple[date, date]:
    """The range between two texts, both ends inside. Without an end: the one span, or from ``-30d`` to yesterday."""
    first, last = span(start, today)
    if end is not None:
        return first, span(end, today)[1]
    if start.strip().startswith("-"):
        return first, max(first, today - timedelta(days=1))
    return first, last


def stamp(instant: datetime) -> str:
    """A time in UTC, to the second, as the API writes it."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def _span(text: str, today: date) -> tuple[date, date]:
    if text in _WORDS:
        day = today - timedelta(days=_WORDS[text])
        return day, day
    if found := re.fullmatch(r"-(\d{1,5})d", text, re.ASCII):
        day = today - timedelta(days=int(found[1]))
        return day, day
    if re.fullmatch(r"\d{4}", text, re.ASCII):
        return date(int(text), 1, 1), date(int(text), 12, 31)
    if found := re.fullmatch(r"(\d{4})-(\d{2})", text, re.ASCII):
        year, month = int(found[1]), int(found[2])
        first = date(year, month, 1)
        return first, first.replace(day=calendar.monthrange(year, month)[1])
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        day = date.fromisoformat(text)
        return day, day
    raise ValueError(text)
