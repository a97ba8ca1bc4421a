"""Which day comes next: newest first, within every limit, urgent before patient, transfers in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest

from dayfill.domain.run import Priority
from dayfill.engine.budgets import MAX_SLICE_BYTES, MAX_SLICE_DAYS, Budgets, SliceSize
from dayfill.engine.claim import look
from dayfill.engine.claimer import Claimer
from dayfill.errors import Transient
from dayfill.store import lanes
from dayfill.store.db import Tx
from meeting import meet
from rig import LAST, Rig, ago, last


async def test_one_at_a_time_loads_the_newest_day_first(rig: Rig) -> None:
    rig.single_days()
    transfer = rig.transfer(parallelism=1)
    backfill = await rig.backfill(transfer, last(7))
    await rig.settle()
    assert rig.source.reads == [[ago(n)] for n in range(7)]
    assert rig.destination.loaded == [ago(n) for n in range(7)]
    made = await rig.get(backfill)
    assert (made.status, made.completed, made.total, made.rows_total) == ("COMPLETED", 7, 7, 14)
    assert rig.agrees(transfer) == sorted(last(7))


async def test_days_come_newest_first_also_in_slices(rig: Rig) -> None:
    transfer = rig.transfer(parallelism=3)
    await rig.backfill(transfer, last(200))
    await rig.settle()
    read = [day for days in rig.source.reads for day in days]
    assert read == [ago(n) for n in range(200)]
    assert len(rig.source.reads) < 50
    assert rig.agrees(transfer) == sorted(last(200))


async def test_slices_grow_while_they_are_fast_and_fall_to_one_day_after_a_failure_that_may_pass(rig: Rig) -> None:
    transfer = rig.transfer(parallelism=1)
    rig.source.on(ago(20), raises=[Transient("NETWORK", "lost")])
    await rig.backfill(transfer, last(60))
    await rig.settle()
    sizes = [len(days) for days in rig.source.reads]
    failed = next(i for i, days in enumerate(rig.source.reads) if ago(20) in days)
    assert sizes[0] == 1
    assert all(one < next_ for one, next_ in pairwise(sizes[: failed + 1]))
    assert sizes[failed + 1] == 1 < sizes[failed + 2]
    assert rig.agrees(transfer) == sorted(last(60))


async def test_slices_stay_small_where_every_day_takes_long(rig: Rig) -> None:
    transfer = rig.transfer(parallelism=1)
    rig.source.seconds = lambda days: rig.pass_time(seconds=2.5 * days)
    await rig.backfill(transfer, last(40))
    await rig.settle()
    sizes = [len(days) for days in rig.source.reads]
    assert max(sizes) <= 4
    assert sum(size > 1 for size in sizes[10:]) <= 1  # a larger one is tried now and then


def test_a_slice_size_never_leaves_its_bounds() -> None:
    size = SliceSize()
    for _ in range(20):
        size.learn(size.days, 0.0, 0, failed=False)
    assert size.slice_days() == MAX_SLICE_DAYS
    size.learn(1, 0.4, MAX_SLICE_BYTES * 3, failed=False)
    assert size.slice_days() == 1
    for _ in range(20):
        size.learn(size.days, 100.0, 0, failed=False)
    assert size.days == 1


async def test_never_more_slices_than_slots_transfer_and_connection_allow(rig: Rig) -> None:
    rig.single_days()
    executor = rig.gated(slots=5)
    shared = rig.connection(parallelism=3)
    one, two, other = rig.transfer(2, shared), rig.transfer(4, shared), rig.transfer(4)
    for transfer in (one, two, other):
        await rig.backfill(transfer, last(12))
    await rig.step()
    while executor.gates:
        flying = [gate.transfer_id for gate in executor.gates]
        assert len(flying) <= 5
        assert flying.count(one) <= 2
        assert flying.count(one) + flying.count(two) <= 3
        assert flying.count(other) <= 4
        assert len(flying) == 5 or not all(_waits(rig, transfer) for transfer in (one, two, other))
        await rig.answer()
    assert all(rig.agrees(transfer) == sorted(last(12)) for transfer in (one, two, other))


def _waits(rig: Rig, transfer_id: int) -> bool:
    """Whether days of the transfer wait; if they do for all, every slot should be full."""
    query = "SELECT 1 FROM runs WHERE status = 'QUEUED' AND transfer_id = :id LIMIT 1"
    return bool(rig.installation.execute(query, id=transfer_id))


async def test_a_freed_slot_is_taken_within_the_same_transfer(rig: Rig) -> None:
    rig.single_days()
    executor = rig.gated()
    await rig.backfill(rig.transfer(parallelism=3), last(9))
    await rig.step()
    assert [gate.days for gate in executor.gates] == [[ago(0)], [ago(1)], [ago(2)]]
    await rig.answer(ago(1))
    assert [gate.days[0] for gate in executor.gates] == [ago(0), ago(2), ago(3)]


async def test_urgent_work_goes_first(rig: Rig) -> None:
    executor = rig.gated(slots=1)
    transfers = {priority: rig.transfer(parallelism=1) for priority in reversed(Priority)}
    for priority in (Priority.BACKFILL, Priority.INTERACTIVE):
        await rig.backfill(transfers[priority], last(1), priority=priority)
    for priority in (Priority.RETRY, Priority.SCHEDULE):
        await rig.refresh(transfers[priority], LAST, priority=priority)
    order = []
    await rig.step()
    while executor.gates:
        order.append(executor.gates[0].transfer_id)
        await rig.answer()
    assert order == [transfers[priority] for priority in sorted(Priority)]


@pytest.mark.parametrize("slots", [1, 3])
async def test_transfers_take_turns_and_none_starves(rig: Rig, slots: int) -> None:
    executor = rig.gated(slots)
    transfers = [rig.transfer(parallelism=1) for _ in range(3)]
    rig.single_days()
    await meet(rig, *transfers)
    for transfer in transfers:
        await rig.backfill(transfer, last(6))
    await rig.step()
    while executor.gates:
        await rig.answer()
    order = [gate.transfer_id for gate in executor.jobs]
    assert sorted(order) == sorted(transfers * 6)
    assert all(len(set(order[i : i + 3])) == 3 for i in range(0, 18, 3))


async def test_one_transfer_with_many_slots_does_not_block_another(rig: Rig) -> None:
    executor = rig.gated(slots=4)
    greedy, modest = rig.transfer(parallelism=32), rig.transfer(parallelism=32)
    rig.single_days()
    await rig.backfill(greedy, last(40))
    await rig.backfill(modest, last(4))
    await rig.step()
    assert {gate.transfer_id for gate in executor.gates} == {greedy}
    for _ in range(8):
        await rig.answer()
    order = [gate.transfer_id for gate in executor.jobs]
    assert order[:8] == [greedy] * 4 + [modest] * 4  # it has its turns until both have had the same


async def test_the_newest_day_goes_first_whenever_it_was_asked_for(rig: Rig) -> None:
    rig.single_days()
    transfer = rig.transfer(parallelism=1)
    for n in (3, 0, 5, 1):
        await rig.refresh(transfer, ago(n))
    await rig.settle()
    assert rig.destination.loaded == [ago(0), ago(1), ago(3), ago(5)]


async def test_a_refresh_and_a_backfill_never_load_one_day_at_once(rig: Rig) -> None:
    rig.single_days()
    executor = rig.gated()
    transfer = rig.transfer(parallelism=8)
    await rig.backfill(transfer, last(4))
    await rig.refresh(transfer, LAST, ago(1))
    await rig.step()
    seen = 0
    while executor.gates:
        days = [day for gate in executor.gates for day in gate.days]
        assert len(days) == len(set(days))
        seen += 1
        await rig.answer()
    assert seen >= 4
    assert sorted(rig.destination.loaded) == sorted([LAST, LAST, ago(1), ago(1), ago(2), ago(3)])
    assert rig.agrees(transfer) == sorted(last(4))


@pytest.mark.parametrize("others", [Priority.INTERACTIVE, Priority.BACKFILL], ids=["two lanes", "one lane"])
async def test_days_that_two_runs_wait_for_leave_no_slot_empty(rig: Rig, others: Priority) -> None:
    """The newest days of a backfill are wanted by a refresh too: older ones take the slots that are left."""
    rig.single_days()
    executor = rig.gated(slots=8)
    transfer = rig.transfer(parallelism=8)
    await rig.refresh(transfer, ago(0), ago(1), ago(2), priority=others)
    backfill = await rig.backfill(transfer, last(20))
    await rig.step()
    assert [gate.days for gate in executor.gates] == [[ago(n)] for n in range(8)]
    await rig.finish()
    assert (await rig.get(backfill)).completed == 20
    assert rig.agrees(transfer) == sorted(last(20))


async def test_days_of_two_lanes_are_read_once_more_only_where_they_are_short(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.single_days()
    rig.gated(slots=8)
    asked = list[int]()
    claimable = lanes.claimable

    async def counted(tx: Tx, wanted: Sequence[tuple[lanes.Lane, int]], now: datetime) -> object:
        asked.extend([most for _, most in wanted])
        return await claimable(tx, wanted, now)

    monkeypatch.setattr(lanes, "claimable", counted)
    transfer = rig.transfer(parallelism=8)
    await rig.backfill(transfer, last(20))
    await rig.refresh(transfer, ago(30), ago(31), priority=Priority.INTERACTIVE)
    await rig.step()
    assert asked == [8, 6], "a day that only one of them wants costs nothing"


async def test_after_a_look_in_which_the_process_stood_still_the_next_one_is_near(rig: Rig) -> None:
    """It was ten times as far away, and no backfill began meanwhile."""
    moments = iter([0.0, 3600.0])
    claimer = Claimer("me", "here", Budgets(1))
    await look(rig.db, replace(rig.seams, monotonic=lambda: next(moments)), claimer)
    assert claimer.has_looked and claimer.look_from <= 3630.0
