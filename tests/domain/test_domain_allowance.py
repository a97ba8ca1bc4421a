"""Months and days of a team's limits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.allowance import Allowance, month_of, next_month

MOMENTS = st.integers(0, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(MOMENTS)
def test_the_next_month_is_the_first_moment_that_is_not_this_one(moment: datetime) -> None:
    following = next_month(moment)
    assert following > moment
    assert month_of(following) != month_of(moment) == month_of(following - timedelta(microseconds=1))


@pytest.mark.parametrize(("rows", "spent"), [(99, False), (100, True), (101, True)])
def test_rows_are_used_up_with_the_last_of_them(rows: int, spent: bool) -> None:
    assert Allowance(100, None, rows).is_spent is spent
    assert not Allowance(None, None, rows).is_spent


def test_the_first_day_is_so_many_days_back() -> None:
    now = datetime(2024, 3, 1, 23, 59, tzinfo=UTC)
    assert Allowance(None, 1, 0).first_day(now) == date(2024, 2, 29)
    assert Allowance(None, None, 0).first_day(now) is None


def test_it_says_when_there_are_rows_again() -> None:
    said = Allowance(1_000, None, 1_234).spent(datetime(2024, 12, 15, tzinfo=UTC))
    assert "1,234 rows in 2024-12" in said and "1,000 a month" in said and "before 2025-01-01T00:00:00Z" in said
