"""What a dead dispatcher leaves is taken up by the next; a fault at any step loses nothing and doubles nothing."""

from __future__ import annotations

from datetime import date

import pytest

from dayfill.domain.run import MAX_ATTEMPTS
from dayfill.errors import Transient
from rig import Killed, Rig, ago, last
from scripted import Kept

STEPS = ("materialise", "claim", "extract", "before_load", "after_load", "record")
"""Failpoints of the run protocol that a dispatcher passes."""


async def revive(rig: Rig) -> int:
    """Start dispatchers until one survives; returns how many died."""
    for deaths in range(50):
        try:
            await rig.finish()
        except Killed:
            continue
        return deaths
    raise AssertionError("every dispatcher dies")


async def test_what_ran_when_the_dispatcher_died_starts_again(rig: Rig) -> None:
    rig.single_days()
    executor = rig.gated()
    transfer = rig.transfer(parallelism=3)
    backfill = await rig.backfill(transfer, last(6))
    await rig.step()
    await rig.answer(ago(0))
    before = {gate.days[0]: gate.job.days[0].token for gate in executor.gates}
    assert set(before) == {ago(1), ago(2), ago(3)}
    await rig.crash()
    dead = executor.gates
    await rig.step()
    again = {gate.days[0] for gate in executor.gates if gate not in dead}
    assert again == set(before), "at once: not the source has failed"
    assert (await rig.get(backfill)).status == "RUNNING"
    for gate in dead:
        gate.future.cancel()
    await rig.finish()
    made = await rig.get(backfill)
    assert (made.status, made.completed) == ("COMPLETED", 6)
    attempts = {day: n for day, (_, n) in rig.runs(backfill).items()}
    assert attempts == {ago(n): 2 if ago(n) in before else 1 for n in range(6)}
    assert all(rig.destination.days[transfer, "visits", day].token > before[day] for day in before)
    assert rig.agrees(transfer) == sorted(last(6))


async def test_an_answer_to_a_dead_dispatcher_cannot_overwrite_the_next_ones(rig: Rig) -> None:
    executor = rig.gated()
    transfer = rig.transfer()
    await rig.backfill(transfer, last(1))
    await rig.step()
    zombie = executor.gates[0]
    await rig.crash()
    await rig.settle()
    (living,) = (gate for gate in executor.gates if gate is not zombie)
    living.answer()
    await rig.step()
    held = rig.destination.days[transfer, "visits", ago(0)]
    assert zombie.run(zombie.job)[0].outcome == "stale"
    assert rig.destination.days[transfer, "visits", ago(0)] is held
    assert rig.agrees(transfer) == [ago(0)]


async def test_a_run_that_is_always_lost_fails_at_last_and_is_heard_of(rig: Rig) -> None:
    rig.source.on(ago(0), always=Killed())
    backfill = await rig.backfill(rig.transfer(), last(1))
    assert await revive(rig) == MAX_ATTEMPTS
    assert await rig.report(backfill) == [(ago(0), "LOST", MAX_ATTEMPTS)]
    assert (await rig.get(backfill)).status == "FAILED"


async def until_all_have_ended(rig: Rig, poison: date) -> int:
    """Slow slices: whenever the poisonous day is on its way, the server dies before any other has answered."""
    deaths = 0
    while True:
        await rig.step()
        rig.pass_time(minutes=1)  # a worker that breaks is spared, a server that dies is not
        await rig.step()
        gates, rig.executor.jobs = rig.executor.gates, []
        if not gates:
            return deaths
        if any(poison in gate.days for gate in gates):
            await rig.crash()
            deaths += 1
        for gate in gates:
            gate.die(RuntimeError()) if poison in gate.days else gate.answer()


@pytest.mark.parametrize("slots", [1, 8])
async def test_a_day_that_kills_the_server_takes_no_other_day_with_it(rig: Rig, slots: int) -> None:
    rig.gated(slots)
    rig.single_days()
    rig.source.seconds = lambda days: None
    transfer, other = rig.transfer(parallelism=8), rig.transfer(parallelism=8)
    backfill = await rig.backfill(transfer, last(12))
    bystander = await rig.backfill(other, last(2))
    assert await until_all_have_ended(rig, ago(2)) == MAX_ATTEMPTS
    assert [day for day, _, _ in await rig.report(backfill)] == [ago(2)]
    assert rig.agrees(transfer) == sorted(set(last(12)) - {ago(2)})
    assert (await rig.get(bystander)).status == "COMPLETED"


async def test_the_last_attempt_of_a_day_that_was_always_lost_is_made_alone(rig: Rig) -> None:
    rig.gated()
    rig.single_days()
    lost = await rig.backfill(rig.transfer(parallelism=2), last(2))
    for _ in range(MAX_ATTEMPTS - 1):
        await rig.step()
        await rig.step()
        assert len(rig.executor.gates) == 2
        await rig.crash()
        rig.executor.jobs.clear()
    other = rig.transfer(parallelism=1)
    await rig.refresh(other, ago(0))
    patient = await rig.backfill(other, last(5))
    await rig.step()
    (busy,) = rig.executor.gates
    assert busy.transfer_id == other, "what is more urgent goes first"
    for day in (ago(0), ago(1)):
        await rig.step()
        assert len(rig.executor.gates) == 1, "what runs ends first, and nothing else starts"
        await rig.answer()
        await rig.step()
        (gate,) = rig.executor.gates
        assert (gate.transfer_id != other, gate.days) == (True, [day])
    await rig.answer()
    assert rig.executor.gates[0].transfer_id == other
    await rig.finish()
    assert (await rig.get(lost)).status == (await rig.get(patient)).status == "COMPLETED"


@pytest.mark.parametrize("kills", [False, True])
async def test_a_server_that_dies_of_another_day_costs_no_day_its_last_attempt(rig: Rig, kills: bool) -> None:
    """It is tried once more, with nothing beside it; if the server dies of it then, the day has failed."""
    executor = rig.gated()
    rig.source.on(ago(0), raises=[Transient("NETWORK", "Lost.")] * (MAX_ATTEMPTS - 1))
    backfill = await rig.backfill(rig.transfer(), last(1))
    for _ in range(MAX_ATTEMPTS - 1):
        await rig.step()
        await rig.answer()
        rig.pass_time(hours=1)
    other = await rig.backfill(rig.transfer(), last(2))
    await rig.step()
    assert len(executor.gates) == 2
    await rig.crash()
    executor.jobs.clear()
    await rig.step()
    assert (len(executor.gates), rig.runs(backfill)) == (1, {ago(0): ("RUNNING", MAX_ATTEMPTS)})
    if kills:
        await rig.crash()
        executor.jobs.clear()
    await rig.finish()
    assert rig.runs(backfill) == {ago(0): ("FAILED" if kills else "COMPLETED", MAX_ATTEMPTS)}
    assert (await rig.get(other)).status == "COMPLETED"


@pytest.mark.parametrize("nth", [1, 3])
@pytest.mark.parametrize("error", [RuntimeError("broken"), Killed()], ids=["error", "kill"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_fault_at_any_step_loses_and_doubles_nothing(
    rig: Rig, step: str, error: BaseException, nth: int
) -> None:
    transfer = rig.transfer()
    other = rig.transfer()
    backfill = await rig.backfill(transfer, last(9))
    second = await rig.backfill(other, last(3))
    rig.fail_at(step, error, skip=nth - 1)
    deaths = await revive(rig)
    assert deaths == (1 if isinstance(error, Killed) and rig.raised else 0)
    assert rig.raised or (step, nth) == ("materialise", 3)
    for made in (await rig.get(backfill), await rig.get(second)):
        assert (made.status, made.completed) == ("COMPLETED", made.total)
    assert rig.agrees(transfer) == sorted(last(9))
    assert rig.agrees(other) == sorted(last(3))
    assert len(rig.destination.days) == 12


@pytest.mark.parametrize("step", STEPS)
async def test_a_second_fault_during_the_recovery_changes_nothing(rig: Rig, step: str) -> None:
    transfer = rig.transfer()
    backfill = await rig.backfill(transfer, last(5))
    rig.fail_at(step, Killed(), times=2)
    await revive(rig)
    rig.fail_at("record", RuntimeError("broken"), times=2)
    again = await rig.backfill(rig.transfer(), last(5))
    await revive(rig)
    assert {(await rig.get(one)).status for one in (backfill, again)} == {"COMPLETED"}
    assert rig.agrees(transfer) == sorted(last(5))


async def test_a_fault_while_rescuing_is_met_by_another_rescue(rig: Rig) -> None:
    rig.gated()
    transfer = rig.transfer()
    await rig.backfill(transfer, last(3))
    await rig.step()
    await rig.crash()
    rig.fail_at("record", RuntimeError("broken"), times=3)
    await rig.finish()
    assert rig.agrees(transfer) == sorted(last(3))


async def test_a_loaded_day_whose_record_was_lost_is_loaded_again_with_a_greater_token(rig: Rig) -> None:
    transfer = rig.transfer()
    await rig.step()
    await rig.backfill(transfer, last(1))
    rig.fail_at("record", Killed())
    with pytest.raises(Killed):
        await rig.settle()
    orphan: Kept = rig.destination.days[transfer, "visits", ago(0)]
    await rig.settle()
    kept = rig.destination.days[transfer, "visits", ago(0)]
    assert (kept.run_id, kept.token > orphan.token) == (orphan.run_id, True)
    assert kept.rows["version"].to_pylist() == [2, 2]
    assert rig.agrees(transfer) == [ago(0)]
