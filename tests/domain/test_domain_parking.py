"""How long something rests that refused all work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.allowance import Allowance
from dayfill.domain.parking import out_of_rows, rest
from dayfill.domain.run import Side, stated_rest

NONE = timedelta()
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@given(side=st.sampled_from(Side), seconds=st.floats(), since=st.timedeltas(NONE), jitter=st.floats(0, 1))
def test_a_wait_that_was_stated_is_kept(side: Side, seconds: float, since: timedelta, jitter: float) -> None:
    assert rest(side, seconds, since, jitter) == stated_rest(seconds)


@pytest.mark.parametrize(
    ("side", "since", "expected"),
    [
        (Side.SOURCE, NONE, MINUTE),
        (Side.SOURCE, 59 * SECOND, MINUTE),
        (Side.SOURCE, 3 * MINUTE, 3 * MINUTE),
        (Side.SOURCE, 5 * HOUR, 2 * HOUR),
        (Side.DESTINATION, NONE, 5 * SECOND),
        (Side.DESTINATION, 20 * SECOND, 20 * SECOND),
        (Side.DESTINATION, HOUR, 5 * MINUTE),
    ],
)
def test_one_that_was_not_is_as_long_again(side: Side, since: timedelta, expected: timedelta) -> None:
    assert rest(side, None, since, 0) == expected
    assert rest(side, None, since, 1) == expected * 1.25


def test_a_clock_that_was_set_back_makes_no_rest_shorter() -> None:
    assert rest(Side.SOURCE, None, -HOUR, 0) == MINUTE


def test_a_team_without_rows_waits_for_the_next_month() -> None:
    waiting = out_of_rows(Allowance(100, None, 120), datetime(2024, 12, 31, 23, tzinfo=UTC))
    assert (waiting.reason, waiting.until, waiting.cause) == ("rows", datetime(2025, 1, 1, tzinfo=UTC), "ROWS")
