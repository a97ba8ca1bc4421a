"""How large slices become and when a connection is asked: each border, on plain numbers."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.run import Side
from dayfill.engine.budgets import LOOK_AGAIN, MAX_SLICE_BYTES, MAX_SLICE_DAYS, Budgets, SliceCounts, SliceSize


def grown(days: int, day_seconds: float | None = None, shares: bool = True) -> SliceSize:
    return SliceSize(shares=shares, days=days, day_seconds=day_seconds)


def test_slices_grow_fourfold_to_the_greatest_and_then_are_of_the_right_size() -> None:
    size, taken = SliceSize(), []
    while size.growing:
        taken.append(size.days)
        size.learn(size.days, 0.1, 1, failed=False)
    assert taken == [1, 4, 16, 64, 128]
    assert size.slice_days() == size.days == MAX_SLICE_DAYS


@pytest.mark.parametrize(
    ("shares", "before", "seconds", "days", "growing"),
    [
        (False, None, 0.249, 64, True),
        (False, None, 0.25, 16, False),
        (True, None, 0.25, 64, True),
        (True, None, 4.99, 64, True),
        (True, None, 5.0, 16, False),
        (True, 0.1, 1.11, 64, True),  # 0.07 s a day are just not clearly cheaper than 0.1 s
        (True, 0.1, 1.12, 16, False),
        (True, 0.1, 2.0, 16, False),
        (True, 0.1, 2.01, 4, False),
        (False, None, 2.0, 16, False),
        (False, None, 2.01, 4, False),
        (True, 1.0, 6.0, 16, False),  # too long, yet cheaper by the day: neither larger nor smaller
    ],
)
def test_a_slice_grows_while_it_is_short_or_clearly_cheaper_and_shrinks_when_it_is_long(
    shares: bool, before: float | None, seconds: float, days: int, growing: bool
) -> None:
    size = grown(16, before, shares)
    size.learn(16, seconds, 1, failed=False)
    assert (size.days, size.growing) == (days, growing)
    assert size.day_seconds == (pytest.approx(seconds / 16) if growing else before)


def test_no_slice_is_less_than_a_day() -> None:
    size = grown(2, shares=False)
    for _ in range(2):
        size.learn(size.days, 60.0, 1, failed=False)
        assert size.days == 1


def test_a_failure_that_may_pass_begins_anew_and_the_end_of_a_range_teaches_only_its_size() -> None:
    size = SliceSize(days=16, growing=False, day_seconds=0.5, day_bytes=7.0)
    size.learn(16, 9.0, 1_000, failed=True)
    assert (size.days, size.growing, size.day_seconds, size.day_bytes) == (1, True, None, 7.0)
    size = SliceSize(days=16, growing=False, day_seconds=0.5)
    size.learn(15, 60.0, 1_500, failed=False)
    assert (size.days, size.growing, size.day_seconds, size.day_bytes) == (16, False, 0.5, 100.0)


@given(st.lists(st.floats(0.01, 300), max_size=40))
def test_no_busy_moment_decides_for_good_how_days_are_read(busy: list[float]) -> None:
    """A file of half a second: whatever its slices took before, its days come together again."""
    size = SliceSize()
    for seconds in busy:
        size.learn(size.days, seconds, 1, failed=False)
    for _ in range(3 * (LOOK_AGAIN + 2)):
        size.learn(size.days, 0.5 + 0.001 * size.days, 1, failed=False)
    assert size.days >= 64


def test_what_shares_nothing_is_tried_in_larger_slices_now_and_then() -> None:
    """Each day takes a second: one slice in so many is larger, and the next one is a single day again."""
    size, taken = SliceSize(), []
    for _ in range(100):
        taken.append(size.days)
        size.learn(size.days, 1.0 * size.days, 1, failed=False)
    assert [at for at, days in enumerate(taken) if days == 4] == [1, LOOK_AGAIN + 2, 2 * LOOK_AGAIN + 3]
    assert set(taken) == {1, 4}


def test_a_slice_aims_at_half_of_what_memory_may_hold() -> None:
    size = SliceSize(days=64)
    assert size.slice_days() == 64
    size.learn(4, 1.0, MAX_SLICE_BYTES // 2, failed=False)
    assert size.slice_days() == 4
    size.learn(4, 1.0, 0, failed=False)
    assert size.slice_days() == 8, "the size is forgotten by halves"
    size.learn(1, 1.0, MAX_SLICE_BYTES, failed=False)
    assert size.slice_days() == 1


@pytest.mark.parametrize(("shares", "growing", "slices"), [(True, True, 1), (True, False, 5), (False, True, 5)])
def test_the_right_size_is_found_by_one_slice_where_readings_share(shares: bool, growing: bool, slices: int) -> None:
    assert SliceSize(shares=shares, growing=growing).slices_at_once(5) == slices


@pytest.mark.parametrize(("slots", "most"), [(1, 1), (2, 1), (3, 1), (8, 4)])
def test_one_transfer_can_hang_in_half_of_the_slots(slots: int, most: int) -> None:
    budgets = Budgets(slots)
    assert budgets.may_hang(1)
    budgets.hung[1] = most
    assert not budgets.may_hang(1) and budgets.may_hang(2)


def test_what_hangs_takes_no_slot_until_it_holds_every_thread() -> None:
    budgets = Budgets(3)
    budgets.in_flight.add(1, 7)
    budgets.hung[1], budgets.hung[2] = 1, 1
    assert (budgets.free(), budgets.are_all_hung()) == (2, False)
    budgets.hung[2] = 2
    assert (budgets.free(), budgets.are_all_hung()) == (0, True)


def test_slices_are_counted_in_total_by_transfer_and_by_connection() -> None:
    counts = SliceCounts()
    for transfer in (1, 1, 2):
        counts.add(transfer, 7, [(Side.SOURCE, 7)])
    assert counts == SliceCounts(3, 0, Counter({1: 2, 2: 1}), Counter({7: 3}), {(Side.SOURCE, 7)})
    counts.remove(1, 7, [(Side.SOURCE, 7)])
    assert counts == SliceCounts(2, 0, Counter({1: 1, 2: 1}), Counter({7: 2}))
    counts.add(3, 8, away=True)
    assert (counts.here, counts.away) == (2, 1)


def test_a_connection_is_asked_again_when_its_limit_lets_it_and_it_is_known_when() -> None:
    """Thirty requests a minute: one in two seconds."""
    budgets = Budgets(3)
    assert budgets.may_ask(7, 3, 30, 100.0)
    assert budgets.held == {}
    budgets.ask(7, 3, 30, 100.0)
    assert budgets.held == {7: 106.0}
    assert not budgets.may_ask(7, 1, 30, 104.0)
    assert budgets.held == {7: 106.0}
    assert budgets.may_ask(8, 1, 30, 104.0), "another connection"
    assert budgets.may_ask(7, 1, 30, 106.0)
    assert budgets.held == {}
    budgets.ask(7, 1, 30, 106.0)
    assert budgets.held == {7: 108.0}


def test_the_next_moment_is_that_of_a_single_request() -> None:
    """Ten in any minute, of which nine have been made: one more may go before two more may."""
    budgets = Budgets(3)
    assert budgets.may_ask(7, 9, 10, 0.0)
    budgets.ask(7, 9, 10, 0.0)
    assert budgets.held == {7: 54.0}
    assert not budgets.may_ask(7, 2, 10, 54.0)
    assert budgets.held == {7: 60.0}
