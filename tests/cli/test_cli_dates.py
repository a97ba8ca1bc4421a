"""Dates as people write them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.cli.dates import day_range, span
from dayfill.cli.exits import CommandError, Exit

TODAY = date(2024, 3, 1)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-02-29", "2024-02-29", "2024-02-29"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2023-12", "2023-12-01", "2023-12-31"),
        ("2023", "2023-01-01", "2023-12-31"),
        ("2024", "2024-01-01", "2024-03-01"),
        ("2024-03", "2024-03-01", "2024-03-01"),
        ("2025", "2025-01-01", "2025-01-01"),
        ("2025-01-07", "2025-01-07", "2025-01-07"),
        ("yesterday", "2024-02-29", "2024-02-29"),
        ("Today", "2024-03-01", "2024-03-01"),
        ("-30d", "2024-01-31", "2024-01-31"),
        (" -0d ", "2024-03-01", "2024-03-01"),
    ],
)
def test_a_text_names_a_span(text: str, first: str, last: str) -> None:
    assert span(text, TODAY) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-29",
        "2024-13",
        "0000",
        "24-01-01",
        "2024-1-1",
        "30d",
        "-d",
        "tomorrow",
        "",
        "٢٠٢٤",
        "-99999d",
        "20240101",
    ],
)
def test_anything_else_is_a_usage_error_that_says_what_can_be_written(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        span(text, date(1, 1, 2) if text == "-99999d" else TODAY)
    assert caught.value.exit == Exit.USAGE
    assert "-30d" in caught.value.hint


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2024-01-05", None, ("2024-01-05", "2024-01-05")),
        ("2024-01", None, ("2024-01-01", "2024-01-31")),
        ("2024-01", "2024-02", ("2024-01-01", "2024-02-29")),
        ("-30d", None, ("2024-01-31", "2024-02-29")),
        ("-30d", "today", ("2024-01-31", "2024-03-01")),
        ("-0d", None, ("2024-03-01", "2024-03-01")),
    ],
)
def test_two_texts_are_a_range_with_both_ends_inside(start: str, end: str | None, expected: tuple[str, str]) -> None:
    assert tuple(str(day) for day in day_range(start, end, TODAY)) == expected


@given(st.dates(date(1, 1, 1), date(9998, 12, 31)), st.sampled_from(["%Y-%m-%d", "%Y-%m", "%Y"]))
def test_the_span_of_a_past_text_holds_its_day(day: date, form: str) -> None:
    text = day.strftime(form).rjust(len("0001-01-01"[: {"%Y": 4, "%Y-%m": 7}.get(form, 10)]), "0")
    first, last = span(text, date(9999, 12, 31))
    assert first <= day <= last
    assert (first - day).days >= -365
