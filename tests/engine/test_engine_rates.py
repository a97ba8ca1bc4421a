"""A limit of requests a minute: what a slice pays, how long it is silent then, and what is not saved up."""

from __future__ import annotations

from dataclasses import replace
from itertools import count as counting

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.engine.budgets import MAX_SLICE_DAYS
from dayfill.engine.rates import MINUTE, MOMENT, Rate
from dayfill.errors import Transient
from rig import Rig, ago, last


def test_calls_are_spread_evenly() -> None:
    rate = Rate()
    assert rate.wait(5, 60, 100.0) == 0
    rate.pay(5, 60, 100.0)
    assert [rate.wait(5, 60, at) for at in (100.0, 104.5, 105.0 - MOMENT / 2, 105.0, 300.0)] == [5.0, 0.5, 0, 0, 0]


def test_silence_is_not_saved_up_and_a_moment_too_early_is_not_lost() -> None:
    rate = Rate()
    rate.pay(1, 60, 100.0)
    rate.pay(1, 60, 101.0 - MOMENT / 2)
    assert rate.paid == 102.0
    rate.pay(1, 60, 500.0)
    assert rate.paid == 501.0


@pytest.mark.parametrize(
    ("asked", "calls", "at", "wait"),
    [
        ([(0.0, 6)], 4, 36.0, 0.0),
        ([(0.0, 6)], 5, 6.0, 54.0),
        ([(0.0, 6)], 5, 60.0 - MOMENT / 2, 0.0),
        ([(0.0, 2), (12.0, 3), (30.0, 3)], 3, 48.0, 12.0),
        ([(0.0, 2), (12.0, 3), (30.0, 3)], 6, 48.0, 24.0),
        ([(0.0, 2), (12.0, 3), (30.0, 3)], 9, 48.0, 42.0),
        ([(0.0, 2), (12.0, 3), (30.0, 3)], 50, 48.0, 42.0),
        ([(0.0, 50)], 1, 240.0, 60.0),
    ],
)
def test_no_minute_holds_more_calls_than_are_allowed(
    asked: list[tuple[float, int]], calls: int, at: float, wait: float
) -> None:
    """Ten a minute; a slice that needs more goes alone, and is worked off."""
    rate = Rate()
    for moment, count in asked:
        rate.pay(count, 10, moment)
    assert rate.wait(calls, 10, at) == pytest.approx(wait, abs=MOMENT)


@given(
    slices=st.lists(st.tuples(st.integers(1, 12), st.floats(0, 90)), max_size=40),
    per_minute=st.integers(12, 100),
)
def test_in_no_minute(slices: list[tuple[int, float]], per_minute: int) -> None:
    rate, now, asked = Rate(), 0.0, []
    for calls, idle in slices:
        now += idle
        now += rate.wait(calls, per_minute, now)
        rate.pay(calls, per_minute, now)
        asked.append((now, calls))
    for start, _ in asked:
        assert sum(calls for moment, calls in asked if start <= moment < start + MINUTE - MOMENT) <= per_minute


@pytest.mark.parametrize(
    ("rate", "tables", "at_once", "days", "calls"),
    [
        (60, 1, 1, 1, 1),
        (60, 3, 1, 1, 3),
        (30, 1, 1, 1, 1),
        (60, 1, 30, 30, 1),
        (60, 2, 30, 30, 2),
        (600, 1, 1, 10, 10),
        (600, 3, 1, 3, 9),
        (120, 1, 1, 2, 2),  # the least with which two go at once
        (119, 1, 1, 1, 1),
        (9000, 1, 1, MAX_SLICE_DAYS, 128),
        (None, 1, 1, MAX_SLICE_DAYS, 0),
    ],
)
async def test_a_slice_asks_for_what_the_limit_allows_in_a_second(
    rig: Rig, rate: int | None, tables: int, at_once: int, days: int, calls: int
) -> None:
    rig.source.max_days_per_read = at_once
    transfer = rig.transfer(tables=[f"t{n}" for n in range(tables)])
    rig.installation.execute("UPDATE transfers SET requests_per_minute = :rate", rate=rate)
    executor = rig.gated()
    await rig.backfill(transfer, last(1))
    await rig.step()
    await rig.answer()
    size = rig.dispatcher._claimer.size(transfer, "FILES")
    size.days, size.growing = MAX_SLICE_DAYS, False
    rig.pass_time(minutes=1)
    await rig.backfill(transfer, last(1000))
    await rig.step()
    assert len(executor.gates[0].days) == days
    assert len(executor.gates) == (1 if rate else 4)
    rates = rig.dispatcher._budgets.rates
    assert [rate.asked[-1] for rate in rates.values()] == ([(60.0, calls)] if rate else [])


async def test_several_slices_of_a_slow_source_are_under_way_within_the_limit(rig: Rig) -> None:
    rig.single_days()
    rig.source.seconds = lambda days: None
    executor = rig.gated()
    await rig.backfill(rig.transfer(parallelism=3), last(10))
    rig.installation.execute("UPDATE transfers SET requests_per_minute = 60")
    await rig.step()
    under_way = [len(executor.gates)]
    for _ in range(4):
        rig.pass_time(seconds=1)
        await rig.step()
        under_way.append(len(executor.gates))
    assert under_way == [1, 2, 3, 3, 3]


async def test_transfers_of_one_connection_take_turns(rig: Rig) -> None:
    executor = rig.gated()
    shared = rig.connection()
    both = [rig.transfer(connection=shared) for _ in range(2)]
    for transfer in both:
        await rig.backfill(transfer, last(1))
    await rig.finish()  # their destinations have been looked at
    rig.installation.execute("UPDATE transfers SET requests_per_minute = 60")
    for transfer in both:
        await rig.refresh(transfer, *last(10))
    await rig.step()
    assert [gate.transfer_id for gate in executor.gates] == both[:1]
    rig.pass_time(seconds=1)
    await rig.step()
    assert [gate.transfer_id for gate in executor.gates] == both


async def test_a_limit_that_is_not_met_wakes_nobody(rig: Rig) -> None:
    """A day of a limited login waits for its next attempt, on a clock on which no two looks are at one moment."""
    rig.single_days()
    rig.source.on(ago(0), raises=[Transient("SOURCE", "Try again.")])
    backfill = await rig.backfill(rig.transfer(), last(1))
    rig.installation.execute("UPDATE transfers SET requests_per_minute = 60")
    looks, seams = counting(), rig.seams
    rig.seams = replace(seams, monotonic=lambda: seams.monotonic() + next(looks) / 1e6)
    await rig.settle()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 2)}
    assert rig.passes < 15
