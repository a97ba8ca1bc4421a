"""A source that says when to come back: its connection rests, nothing else does, and no attempt is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dayfill.domain.days import DayRange
from dayfill.domain.run import LONGEST_PARK, MAX_ATTEMPTS, SHORTEST_PARK
from dayfill.errors import Permanent, Transient
from meeting import meet
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


async def under_way(rig: Rig, days: int = 4) -> int:
    """A backfill whose days are all under way, each in a slice of its own; returns its id."""
    rig.single_days()
    rig.source.seconds = lambda days: None
    rig.gated()
    backfill = await rig.backfill(rig.transfer(), last(days))
    await rig.step()
    return backfill


async def test_slices_under_way_ask_no_more_once_one_was_refused(rig: Rig) -> None:
    backfill = await under_way(rig)
    began = rig.installation.now
    rig.source.on(ago(0), raises=[limited(300)])
    await rig.answer(ago(0))
    await rig.answer(ago(1), ago(2), ago(3))
    assert rig.source.reads == [[ago(0)]]
    assert rig.runs(backfill) == dict.fromkeys([ago(n) for n in range(4)], ("QUEUED", 0))
    await rig.finish()
    assert rig.installation.now - began == timedelta(seconds=300)
    assert rig.runs(backfill) == dict.fromkeys([ago(n) for n in range(4)], ("COMPLETED", 1))


async def test_after_a_rest_one_day_is_tried_before_the_others_follow(rig: Rig) -> None:
    backfill = await under_way(rig)
    rig.source.on(ago(0), raises=[limited(), limited()])
    await rig.answer(ago(0), ago(1), ago(2), ago(3))
    for _ in range(2):
        await rig.settle()
        (trial,) = rig.executor.gates
        assert trial.days == [ago(0)]
        await rig.answer()  # the first of them is refused again
    assert len(rig.executor.gates) == 3
    await rig.finish()
    assert len(rig.source.reads) == 1 + 2 + 3
    assert (await rig.get(backfill)).status == "COMPLETED"


async def test_a_trial_is_a_single_day_also_where_slices_were_long(rig: Rig) -> None:
    executor = rig.gated()
    await rig.backfill(rig.transfer(parallelism=1), last(100))
    await rig.step()
    while len(executor.gates[-1].days) < 16:
        await rig.answer()
    guilty = executor.gates[-1].days[3]
    rig.source.on(guilty, raises=[limited()])
    await rig.answer()
    await rig.settle()
    assert [len(gate.days) for gate in executor.gates] == [1]


async def test_a_trial_is_a_single_day_also_of_a_transfer_that_was_never_refused(rig: Rig) -> None:
    executor = rig.gated()
    shared = rig.connection()
    one, other = rig.transfer(1, shared), rig.transfer(1, shared)
    rig.source.on(ago(0), raises=[limited()])
    await meet(rig, other)
    await rig.backfill(one, last(1))
    await rig.step()
    await rig.answer()
    rig.dispatcher._claimer.size(other, "FILES").days = 16
    await rig.refresh(other, *last(16))  # goes before what was refused
    await rig.settle()
    assert [(gate.transfer_id, len(gate.days)) for gate in executor.gates] == [(other, 1)]
    await rig.answer()
    assert [len(gate.days) for gate in executor.gates if gate.transfer_id == other] == [15]


async def test_a_trial_that_fails_for_another_reason_shows_that_it_was_let_in(rig: Rig) -> None:
    await under_way(rig)
    rig.source.on(ago(0), raises=[limited(), Permanent("DATA", "Wrong.")])
    await rig.answer(ago(0), ago(1), ago(2), ago(3))
    await rig.settle()
    await rig.answer()
    assert len(rig.executor.gates) == 3


async def test_an_answer_to_an_older_question_lets_nobody_in(rig: Rig) -> None:
    """It was asked before the refusal, so it says nothing about what the source does now."""
    await under_way(rig)
    rig.source.on(ago(0), raises=[limited()])
    slow = rig.executor.gates[1]
    await rig.answer(ago(0), ago(2), ago(3))
    rig.pass_time(seconds=90)
    await rig.step()
    (trial,) = [gate for gate in rig.executor.gates if gate is not slow]
    slow.answer()
    await rig.step()
    assert rig.executor.gates == [trial]
    await rig.answer()
    assert len(rig.executor.gates) == 2


async def test_a_trial_that_nobody_answers_lets_another_one_start(rig: Rig) -> None:
    backfill = await under_way(rig)
    rig.source.on(ago(0), raises=[limited()])
    await rig.answer(ago(0), ago(1), ago(2), ago(3))
    await rig.settle()
    (trial,) = rig.executor.gates
    trial.die(OSError("worker lost"))
    await rig.settle()
    (again,) = rig.executor.gates
    assert again is not trial and len(again.days) == 1
    rig.executor.gates[0].answer()
    await rig.finish()
    assert (await rig.get(backfill)).status == "COMPLETED"


async def test_a_trial_is_shared_by_all_transfers_of_the_connection(rig: Rig) -> None:
    rig.gated()
    shared = rig.connection()
    one, same = rig.transfer(1, shared), rig.transfer(1, shared)
    rig.source.on(ago(0), raises=[limited()])
    for transfer in (one, same):
        await rig.backfill(transfer, last(1))
    await rig.step()
    await rig.answer(ago(0))
    assert rig.source.reads == [[ago(0)]]
    await rig.settle()
    assert len(rig.executor.gates) == 1
    await rig.finish()
    assert len(rig.source.reads) == 3


async def test_a_limit_without_a_stated_wait_rests_twice_as_long_each_time(rig: Rig) -> None:
    rig.source.on(ago(0), raises=[Transient(cause, "Slower.") for cause in ("RATE_LIMIT", "QUOTA", "RATE_LIMIT")])
    backfill = await rig.backfill(rig.transfer(), last(1))
    began, rig.seams.chance.random = rig.installation.now, lambda: 0.0  # type: ignore[method-assign]
    await rig.settle()
    assert rig.installation.now - began == timedelta(minutes=1 + 1 + 2)
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 1)}
    rig.source.on(ago(1), raises=[Transient("RATE_LIMIT", "Slower.")])
    await rig.backfill(rig.transfer(connection=1), DayRange(ago(1), ago(1)))
    await rig.settle()
    assert rig.installation.now - began == timedelta(minutes=5), "it has worked meanwhile, so it starts over"


async def test_a_limit_of_one_day_is_that_days_alone(rig: Rig) -> None:
    rig.source.on(ago(0), always=Transient("RATE_LIMIT", "Slower.", day=ago(0)))
    backfill = await rig.backfill(rig.transfer(), last(2))
    await rig.settle()
    assert rig.runs(backfill) == {ago(0): ("FAILED", MAX_ATTEMPTS), ago(1): ("COMPLETED", 1)}


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
