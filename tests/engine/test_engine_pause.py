"""Pausing a backfill holds what waits and nothing else."""

from __future__ import annotations

import pytest

from dayfill.engine import materialise
from dayfill.errors import Permanent, Refused, Transient
from rig import Rig, ago, last


async def test_paused_before_its_runs_exist(rig: Rig) -> None:
    backfill = await rig.backfill(rig.transfer(), last(5))
    await rig.verb("pause", backfill)
    await rig.settle()
    made = await rig.get(backfill)
    assert (made.status, made.created, made.waiting) == ("SCHEDULED", 5, 5)
    assert rig.source.reads == []
    await rig.verb("resume", backfill)
    await rig.settle()
    assert (await rig.get(backfill)).status == "COMPLETED"


@pytest.mark.parametrize("resumed", [False, True])
async def test_paused_with_half_of_its_runs_made(rig: Rig, monkeypatch: pytest.MonkeyPatch, resumed: bool) -> None:
    monkeypatch.setattr(materialise, "CHUNK_DAYS", 4)
    backfill = await rig.backfill(rig.transfer(), last(10))
    await materialise.materialise(rig.db, rig.seams)
    await rig.verb("pause", backfill)
    if resumed:
        await rig.verb("resume", backfill)
    assert {status for status, _ in rig.runs(backfill).values()} == {"CREATED"}
    await rig.settle()
    assert (await rig.get(backfill)).status == ("COMPLETED" if resumed else "SCHEDULED")


async def test_paused_while_it_runs(rig: Rig) -> None:
    rig.single_days()
    executor = rig.gated()
    transfer = rig.transfer(parallelism=2)
    backfill = await rig.backfill(transfer, last(6))
    await rig.step()
    paused = await rig.verb("pause", backfill)
    assert (paused.paused_time, paused.paused_user_id) == (rig.installation.now, rig.user_id)
    await rig.finish()
    made = await rig.get(backfill)
    assert (made.status, made.completed, made.running, made.waiting) == ("RUNNING", 2, 0, 4)
    assert len(executor.jobs) == 2
    resumed = await rig.verb("resume", backfill)
    assert (resumed.paused_time, resumed.paused_user_id) == (None, None)
    await rig.finish()
    assert (await rig.get(backfill)).status == "COMPLETED"
    assert rig.agrees(transfer) == sorted(last(6))


async def test_a_failure_that_may_pass_waits_with_the_others(rig: Rig) -> None:
    rig.gated()
    rig.source.on(ago(0), raises=[Transient("NETWORK", "Lost.")])
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    await rig.verb("pause", backfill)
    await rig.answer()
    await rig.finish()
    assert rig.runs(backfill) == {ago(0): ("CREATED", 1)}
    await rig.verb("resume", backfill)
    await rig.finish()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 2)}


async def test_a_delay_outlives_the_pause(rig: Rig) -> None:
    rig.source.on(ago(0), raises=[Transient("NETWORK", "Lost.")])
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    await rig.verb("pause", backfill)
    await rig.verb("resume", backfill)
    await rig.step()
    assert len(rig.source.reads) == 1
    await rig.settle()
    assert (await rig.get(backfill)).status == "COMPLETED"


async def test_the_last_results_end_it_although_it_is_paused(rig: Rig) -> None:
    rig.gated()
    rig.source.on(ago(0), raises=[Permanent("DATA", "Wrong.")])
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    await rig.verb("pause", backfill)
    await rig.answer()
    assert (await rig.get(backfill)).status == "FAILED"
    with pytest.raises(Refused, match="only an active one can be resumed"):
        await rig.verb("resume", backfill)
    reopened, _ = await rig.verb("retry", backfill)
    assert reopened.paused_time is None
    await rig.finish()
    assert (await rig.get(backfill)).status == "COMPLETED"


async def test_repeated_it_changes_nothing(rig: Rig) -> None:
    backfill = await rig.backfill(rig.transfer(), last(2))
    first = await rig.verb("pause", backfill)
    rig.pass_time(minutes=5)
    assert await rig.verb("pause", backfill) == first
    assert await rig.verb("resume", backfill) == await rig.verb("resume", backfill)


async def test_a_paused_backfill_can_be_cancelled_and_holds_its_range_until_then(rig: Rig) -> None:
    transfer = rig.transfer()
    backfill = await rig.backfill(transfer, last(2))
    await rig.verb("pause", backfill)
    await rig.settle()
    with pytest.raises(Refused, match=f"Backfill {backfill} "):
        await rig.backfill(transfer, last(1))
    await rig.verb("cancel", backfill)
    assert {status for status, _ in rig.runs(backfill).values()} == {"CANCELLED"}


async def test_other_backfills_go_on(rig: Rig) -> None:
    transfer = rig.transfer()
    held = await rig.backfill(transfer, last(2))
    await rig.verb("pause", held)
    other = await rig.backfill(rig.transfer(), last(3))
    await rig.settle()
    assert (await rig.get(other)).status == "COMPLETED"
    assert (await rig.get(held)).completed == 0


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_only_an_active_one_can_be_held(rig: Rig, verb: str) -> None:
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.settle()
    with pytest.raises(Refused, match="is COMPLETED: only an active one"):
        await rig.verb(verb, backfill)
