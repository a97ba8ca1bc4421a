"""Slices that hang past their deadline: they give back their slot, hold a thread, and there is an end to that."""

from __future__ import annotations

import pytest

from dayfill.domain.run import MAX_ATTEMPTS
from dayfill.engine.budgets import Budgets
from dayfill.engine.flights import GRACE_SECONDS
from dayfill.errors import Transient
from rig import Rig, ago, last
from scripted import GatedExecutor

OVERDUE = 600 + GRACE_SECONDS


def hanging(rig: Rig, slots: int) -> GatedExecutor:
    rig.single_days()
    rig.source.seconds = lambda days: None
    return rig.gated(slots)


async def pass_deadline(rig: Rig) -> None:
    """Whatever is under way hangs from now on."""
    rig.pass_time(seconds=OVERDUE)
    await rig.step()
    rig.pass_time(minutes=1)
    await rig.step()


@pytest.mark.parametrize("answers", [True, False], ids=["answers late", "dies late"])
async def test_one_that_hangs_gives_back_its_slot_and_its_day(rig: Rig, answers: bool) -> None:
    executor = hanging(rig, slots=2)
    await rig.backfill(rig.transfer(parallelism=1), last(1))
    await rig.step()
    (hung,) = executor.gates
    other, third = rig.transfer(parallelism=2), rig.transfer(parallelism=2)
    await pass_deadline(rig)
    for transfer in (other, third):
        await rig.backfill(transfer, last(2))
    await rig.step()
    assert len(executor.gates) == 1 + 2, "both slots work"
    assert rig.dispatcher.fault is None
    hung.answer() if answers else hung.die(OSError("gone"))
    await rig.finish()
    assert {(await rig.get(backfill)).status for backfill in (1, 2, 3)} == {"COMPLETED"}
    assert rig.runs(1) == {ago(0): ("COMPLETED", 2)}


async def test_a_transfer_that_hangs_leaves_threads_to_the_others(rig: Rig) -> None:
    executor = hanging(rig, slots=4)
    await rig.backfill(rig.transfer(parallelism=1), last(3))
    await rig.step()
    for _ in range(3):
        await pass_deadline(rig)
    assert len(executor.gates) == 2, "half of the four"
    assert rig.dispatcher.fault is None
    other = await rig.backfill(rig.transfer(), last(8))
    await rig.step()
    assert len(executor.gates) == 2 + 4
    while (await rig.get(other)).status != "COMPLETED":
        executor.gates[-1].answer()
        await rig.step()
    executor.gates[0].answer()
    await rig.step()
    assert len(executor.gates) == 2, "one of them has returned, so it is tried again"
    await rig.finish()
    assert (await rig.get(1)).status == "COMPLETED"


async def test_above_the_cap_nothing_starts_and_it_says_so(rig: Rig) -> None:
    executor = hanging(rig, slots=2)
    one, two = rig.transfer(parallelism=1), rig.transfer(parallelism=1)
    for transfer in (one, two):
        await rig.backfill(transfer, last(1))
    await rig.step()
    first, second = executor.gates
    assert rig.dispatcher.fault is None
    await pass_deadline(rig)
    assert executor.gates == [first, second]
    assert rig.dispatcher.fault == "2 loads hang past their deadline: nothing more starts before one of them returns"
    late = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    assert (await rig.get(late)).running == 0
    first.answer()
    await rig.step()
    assert rig.dispatcher.fault is None
    assert len(executor.gates) == 1 + 2
    await rig.finish()
    assert {(await rig.get(backfill)).status for backfill in (1, 2, late)} == {"COMPLETED"}


async def test_a_day_that_always_hangs_fails_in_the_end(rig: Rig) -> None:
    executor = hanging(rig, slots=8)
    backfill = await rig.backfill(rig.transfer(parallelism=1), last(2))
    await rig.step()
    poison = executor.gates[0].days
    for _ in range(MAX_ATTEMPTS):
        await pass_deadline(rig)
        for gate in executor.gates:
            if gate.days != poison:
                gate.answer()
        await rig.step()
    assert rig.runs(backfill)[poison[0]] == ("FAILED", MAX_ATTEMPTS)
    assert await rig.report(backfill) == [(poison[0], "TIMEOUT", MAX_ATTEMPTS)]
    await rig.finish()
    assert (await rig.get(backfill)).completed == 1


async def test_a_trial_that_hangs_does_not_keep_its_connection_closed(rig: Rig) -> None:
    executor = hanging(rig, slots=8)
    backfill = await rig.backfill(rig.transfer(), last(4))
    rig.source.on(ago(0), raises=[Transient("RATE_LIMIT", "Slower.", retry_after=90)])
    await rig.step()
    await rig.answer(*(day for gate in executor.gates for day in gate.days))
    rig.pass_time(seconds=90)
    await rig.step()
    (trial,) = executor.gates
    await pass_deadline(rig)
    (_, again) = executor.gates
    trial.answer()  # what it read in the end was asked in time, but a newer slice has its day
    await rig.step()
    assert executor.gates == [again], "its late answer is nobody's, and the new trial is still the only one"
    await rig.finish()
    assert (await rig.get(backfill)).status == "COMPLETED"


@pytest.mark.parametrize(("slots", "most"), [(1, 1), (2, 1), (3, 1), (8, 4)])
def test_one_transfer_may_hang_half_of_the_threads(slots: int, most: int) -> None:
    budgets = Budgets(slots)
    hung = 0
    while budgets.may_hang(7):
        budgets.hung[7] += 1
        hung += 1
    assert hung == most
    assert budgets.may_hang(8)
