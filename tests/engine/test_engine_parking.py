"""A source that says when to come back: its connection rests, nothing else does, and no attempt is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dayfill.domain.run import LONGEST_PARK, MAX_ATTEMPTS, SHORTEST_PARK
from dayfill.errors import Transient
from rig import Rig, ago, last


def limited(seconds: float = 90.0) -> Transient:
    return Transient("RATE_LIMIT", "Too many requests.", retry_after=seconds)


async def test_a_parked_connection_rests_while_others_go_on(rig: Rig) -> None:
    rig.single_days()
    rig.source.seconds = lambda days: None
    shared = rig.connection()
    one, same, other = rig.transfer(1, shared), rig.transfer(1, shared), rig.transfer(1)
    rig.source.on(ago(0), raises=[limited()])
    limits = {one: 1, same: 4, other: 4}
    backfills = {transfer: await rig.backfill(transfer, last(days)) for transfer, days in limits.items()}
    began = rig.installation.now
    await rig.step()
    assert rig.runs(backfills[one]) == {ago(0): ("QUEUED", 0)}
    assert (await rig.get(backfills[other])).status == "COMPLETED"
    waiting = await rig.get(backfills[same])
    assert waiting.running == 0
    resting = waiting.completed
    for _ in range(3):
        rig.pass_time(seconds=29)
        await rig.step()
    assert (await rig.get(backfills[same])).completed == resting < 4
    await rig.settle()
    assert rig.installation.now - began == timedelta(seconds=90)
    assert {(await rig.get(backfill)).status for backfill in backfills.values()} == {"COMPLETED"}
    assert rig.runs(backfills[one]) == {ago(0): ("COMPLETED", 1)}


async def test_no_number_of_rests_uses_up_the_attempts(rig: Rig) -> None:
    rig.source.on(ago(0), raises=[limited() for _ in range(MAX_ATTEMPTS * 3)])
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.settle()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 1)}


@pytest.mark.parametrize(
    ("stated", "rest"),
    [
        (0.0, SHORTEST_PARK),
        (-5.0, SHORTEST_PARK),
        (1e12, LONGEST_PARK),
        (float("inf"), LONGEST_PARK),
        (float("nan"), SHORTEST_PARK),
    ],
)
async def test_a_senseless_wait_is_bounded(rig: Rig, stated: float, rest: timedelta) -> None:
    rig.source.on(ago(0), raises=[limited(stated)])
    backfill = await rig.backfill(rig.transfer(), last(1))
    began = rig.installation.now
    await rig.settle()
    assert (await rig.get(backfill)).status == "COMPLETED"
    assert rig.installation.now - began == rest


async def test_a_shorter_rest_never_cuts_a_longer_one(rig: Rig) -> None:
    rig.single_days()
    rig.source.seconds = lambda days: None
    executor = rig.gated()
    rig.source.on(ago(0), raises=[limited(300)])
    rig.source.on(ago(1), raises=[limited(10)])
    await rig.backfill(rig.transfer(), last(2))
    await rig.step()
    began = rig.installation.now
    await rig.answer(ago(0))
    await rig.answer(ago(1))
    await rig.settle()
    assert len(executor.gates) == 2
    assert rig.installation.now - began == timedelta(seconds=300)


async def test_a_connection_rests_also_for_a_run_that_was_cancelled_meanwhile(rig: Rig) -> None:
    """The limit is the login's, whatever became of the run that met it."""
    rig.gated()
    shared = rig.connection()
    one, same = rig.transfer(1, shared), rig.transfer(1, shared)
    rig.source.on(ago(0), raises=[limited()])
    backfill = await rig.backfill(one, last(1))
    await rig.step()
    await rig.verb("cancel", backfill)
    await rig.answer(ago(0))
    assert rig.runs(backfill) == {ago(0): ("CANCELLED", 1)}
    await rig.backfill(same, last(1))
    await rig.step()
    assert len(rig.executor.gates) == 0
    began = rig.installation.now
    await rig.settle()
    assert len(rig.executor.gates) == 1
    assert rig.installation.now - began == timedelta(seconds=90)
