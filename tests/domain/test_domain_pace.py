"""The pace of a backfill: how soon it is right, and how soon it forgets."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from dayfill.domain.pace import FORGETS_AFTER_SECONDS, Pace


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("seconds_a_day", [0.05, 1.0, 30.0])
def test_after_a_tenth_of_the_days_the_end_is_known_to_a_fifth(seed: int, seconds_a_day: float) -> None:
    chance, total, parallel = Random(seed), 1_000, 4
    free = [0.0] * parallel
    ends = []
    for _ in range(total):
        slot = free.index(min(free))
        free[slot] += seconds_a_day * chance.uniform(0.5, 1.5)
        ends.append(free[slot])
    ends.sort()
    pace, clock, done = Pace(), 0.0, 0
    while done < total // 10:
        clock += 0.25
        now_done = sum(end <= clock for end in ends)
        pace = pace.after(0.25, now_done - done)
        done = now_done
    seconds = pace.seconds_for(total - done)
    assert seconds is not None
    true = ends[-1] - clock
    assert abs(seconds - true) / true < 0.2


def test_nothing_done_tells_nothing() -> None:
    pace = Pace()
    assert (pace.per_minute, pace.seconds_for(5)) == (None, None)
    pace = pace.after(10, 0)
    assert (pace.per_minute, pace.seconds_for(5)) == (None, None)


def test_an_even_pace_is_its_own_average_from_the_first_moment() -> None:
    pace = Pace()
    for _ in range(1_000):
        pace = pace.after(2, 1)
        assert pace.per_minute == pytest.approx(30, rel=0.02)
    assert pace.seconds_for(60) == pytest.approx(120, rel=0.02)


def test_a_new_pace_takes_over_within_minutes() -> None:
    pace = Pace.since(timedelta(hours=5), 5 * 3_600)
    assert pace.per_minute == pytest.approx(60)
    for _ in range(int(3 * FORGETS_AFTER_SECONDS)):
        pace = pace.after(1, 10)
    assert pace.per_minute == pytest.approx(600, rel=0.06)


def test_what_was_done_so_far_is_where_it_begins() -> None:
    assert Pace.since(timedelta(seconds=60), 30).per_minute == pytest.approx(30)
    assert Pace.since(timedelta(0), 0).per_minute is None
    assert Pace.since(timedelta(seconds=-5), 3).per_minute is None
