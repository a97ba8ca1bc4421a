"""A run: how long it waits after a failure, and when it has failed for good."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dayfill.domain.run import (
    FIRST_BACKOFF,
    LONGEST_BACKOFF,
    LONGEST_PARK,
    MAX_ATTEMPTS,
    SHORTEST_PARK,
    Failure,
    Priority,
    TryAgain,
    after_failure,
    backoff,
)

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
JITTER = st.floats(0, 1)


@given(st.integers(0, 10_000), JITTER)
@example(10_000, 1.0)
def test_the_delay_lies_between_a_second_and_an_hour(attempts: int, jitter: float) -> None:
    assert FIRST_BACKOFF / 2 <= backoff(attempts, jitter) <= LONGEST_BACKOFF


@given(st.integers(1, 40), JITTER)
def test_the_delay_never_shrinks_with_more_attempts(attempts: int, jitter: float) -> None:
    assert backoff(attempts, jitter) <= backoff(attempts + 1, jitter)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 2), (2, 4), (3, 8), (4, 16), (11, 2048), (12, 3600), (50, 3600)])
def test_the_delay_doubles_and_jitter_takes_at_most_half(attempts: int, seconds: int) -> None:
    assert backoff(attempts, 1) == timedelta(seconds=seconds)
    assert backoff(attempts, 0) == timedelta(seconds=seconds / 2)


def failure(*, transient: bool = True, fatal: bool = False, retry_after: float | None = None) -> Failure:
    return Failure("TIMEOUT", "The source did not answer.", transient, fatal, retry_after)


@given(st.integers(1, MAX_ATTEMPTS), JITTER, st.booleans(), st.none() | st.floats(0, 3600))
def test_a_permanent_failure_is_final_at_once(attempts: int, jitter: float, fatal: bool, after: float | None) -> None:
    assert after_failure(failure(transient=False, fatal=fatal, retry_after=after), attempts, NOW, jitter) is None


@given(JITTER)
def test_a_transient_failure_is_tried_until_the_attempts_are_spent(jitter: float) -> None:
    for attempts in range(1, MAX_ATTEMPTS):
        assert after_failure(failure(), attempts, NOW, jitter) == TryAgain(NOW + backoff(attempts, jitter))
    assert after_failure(failure(), MAX_ATTEMPTS, NOW, jitter) is None
    assert after_failure(failure(), MAX_ATTEMPTS + 1, NOW, jitter) is None


@given(JITTER)
def test_who_was_lost_with_the_server_does_not_wait_but_has_used_an_attempt(jitter: float) -> None:
    lost = replace(failure(), at_once=MAX_ATTEMPTS)
    assert [after_failure(lost, attempts, NOW, jitter) for attempts in (1, 3)] == [TryAgain(NOW), TryAgain(NOW)]
    assert after_failure(lost, MAX_ATTEMPTS, NOW, jitter) is None


@given(JITTER)
def test_who_may_be_tried_at_once_once_waits_the_second_time(jitter: float) -> None:
    lost = replace(failure(), at_once=1)
    expected = [TryAgain(NOW), TryAgain(NOW + backoff(2, jitter))]
    assert [after_failure(lost, attempts, NOW, jitter) for attempts in (1, 2)] == expected


@given(JITTER)
def test_the_last_attempt_is_given_back_if_something_else_may_have_ended_it(jitter: float) -> None:
    lost = replace(failure(), at_once=MAX_ATTEMPTS, in_company=True)
    assert after_failure(lost, MAX_ATTEMPTS - 1, NOW, jitter) == TryAgain(NOW)
    assert after_failure(lost, MAX_ATTEMPTS, NOW, jitter) == TryAgain(NOW, give_back=True)
    assert after_failure(replace(lost, transient=False), MAX_ATTEMPTS, NOW, jitter) is None


@given(st.integers(1, 10), JITTER, st.integers(1, 86_400))
def test_a_stated_wait_is_kept_and_the_attempt_given_back(attempts: int, jitter: float, seconds: int) -> None:
    expected = TryAgain(NOW + timedelta(seconds=seconds), give_back=True)
    assert after_failure(failure(retry_after=seconds), attempts, NOW, jitter) == expected


@given(st.floats())
@example(math.nan)
@example(0.0)
@example(-1.0)
@example(1e300)
def test_a_senseless_wait_neither_spins_nor_overflows(seconds: float) -> None:
    again = after_failure(failure(retry_after=seconds), 1, NOW, 0.5)
    assert again is not None
    assert SHORTEST_PARK <= again.not_before - NOW <= LONGEST_PARK


def test_a_person_goes_before_the_schedule_and_a_backfill_last() -> None:
    assert sorted(Priority) == [Priority.INTERACTIVE, Priority.SCHEDULE, Priority.RETRY, Priority.BACKFILL]
