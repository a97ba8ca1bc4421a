"""The dispatcher's loop: slices that hang, workers that break, faults of the state, a clean stop."""

from __future__ import annotations

import asyncio

import pytest

from dayfill import sources
from dayfill.domain.reach import Reach, Reaches
from dayfill.engine import claim, dispatch, materialise
from dayfill.engine.dispatch import Dispatcher
from dayfill.engine.flights import GRACE_SECONDS
from dayfill.errors import Busy, Permanent, Transient
from dayfill.store import lanes, runs, schedules
from meeting import meet
from rig import Rig, ago, last
from scripted import NO_SPOOL, unsealed

DEADLINE = 600


async def test_a_slice_is_its_teams_and_may_open_what_that_may(rig: Rig) -> None:
    executor = rig.gated()
    teams = [rig.team_id, await rig.installation.team("Second")]
    for rig.team_id in teams:
        await rig.backfill(rig.transfer(), last(1))
    rig.start()
    rig.dispatcher._claimer.reaches = Reaches(Reach(("/srv/all",)), {teams[1]: "/srv/second"})
    await rig.step()
    jobs = [gate.job for gate in executor.gates]
    assert [(job.team_id, job.transfer_id) for job in jobs] == [(teams[0], 1), (teams[1], 2)]
    assert [job.reach for job in jobs] == [Reach(("/srv/all",), closed=("/srv/second",)), Reach(("/srv/second",))]


async def test_days_of_a_slice_that_hangs_are_tried_again(rig: Rig) -> None:
    rig.single_days()
    rig.source.seconds = lambda days: None
    executor = rig.gated()
    transfer = rig.transfer()
    backfill = await rig.backfill(transfer, last(1))
    await rig.step()
    (hung,) = executor.gates
    rig.pass_time(seconds=DEADLINE + GRACE_SECONDS - 1)
    await rig.step()
    assert rig.runs(backfill) == {ago(0): ("RUNNING", 1)}
    rig.pass_time(seconds=1)
    await rig.step()
    assert rig.runs(backfill) == {ago(0): ("QUEUED", 1)}
    assert rig.installation.execute("SELECT cause, message FROM runs") == [
        ("TIMEOUT", "No answer within the deadline of 600 s.")
    ]
    rig.pass_time(seconds=10)
    await rig.step()
    again = executor.gates[-1]
    assert again is not hung
    again.answer()
    await rig.step()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 2)}
    kept = rig.destination.days[transfer, "visits", ago(0)]
    hung.answer()
    await rig.step()
    assert rig.destination.days[transfer, "visits", ago(0)] is kept
    assert rig.destination.refused == [(ago(0), 1)]
    assert rig.agrees(transfer) == [ago(0)]


async def test_days_of_a_hung_slice_are_tried_one_by_one(rig: Rig) -> None:
    executor = rig.gated()
    transfer = rig.transfer(parallelism=2)
    await rig.backfill(transfer, last(100))
    await rig.step()
    while len(executor.gates[-1].days) < 16:
        await rig.answer()
    rig.pass_time(seconds=DEADLINE + GRACE_SECONDS)
    await rig.step()
    rig.pass_time(seconds=10)
    await rig.step()
    assert len(executor.gates[-1].days) == 1
    await rig.finish()
    assert rig.agrees(transfer) == sorted(last(100))


@pytest.mark.parametrize("error", [RuntimeError("worker lost"), SystemExit(3), None], ids=repr)
async def test_a_worker_that_breaks_costs_an_attempt_and_nothing_more(rig: Rig, error: BaseException | None) -> None:
    executor = rig.gated()
    transfer = rig.transfer()
    backfill = await rig.backfill(transfer, last(3))
    await rig.step()
    gate = executor.gates[0]
    gate.future.cancel() if error is None else gate.die(error)
    await rig.step()
    assert rig.runs(backfill)[ago(0)] == ("RUNNING", 2)
    await rig.finish()
    assert rig.runs(backfill)[ago(0)] == ("COMPLETED", 2)
    assert rig.agrees(transfer) == sorted(last(3))


async def test_a_slice_that_cannot_be_handed_out_holds_no_slot(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.single_days()
    executor = rig.gated(slots=2)
    transfer = rig.transfer(parallelism=2)
    await rig.backfill(transfer, last(5))
    submit, left = executor.submit, [RuntimeError("can't start new thread")]

    def broken(run: object, job: object) -> object:
        if left:
            raise left.pop()
        return submit(run, job)

    monkeypatch.setattr(executor, "submit", broken)
    await rig.step()
    assert len(executor.gates) == 2
    await rig.finish()
    assert len(rig.faults) == 1
    assert rig.agrees(transfer) == sorted(last(5))


@pytest.mark.parametrize("place", [(runs, "next_delayed"), (lanes, "waiting"), (schedules, "next_due")])
async def test_a_fault_of_the_state_is_met_by_another_try(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, place: tuple[object, str]
) -> None:
    module, name = place
    real, left = getattr(module, name), [Busy("locked"), OSError("disk")]

    async def broken(*values: object) -> object:
        if left:
            raise left.pop()
        return await real(*values)

    monkeypatch.setattr(module, name, broken)
    transfer = rig.transfer()
    await rig.backfill(transfer, last(3))
    await rig.settle()
    assert left == []
    assert rig.dispatcher.fault is None
    assert rig.agrees(transfer) == sorted(last(3))


async def test_what_comes_due_between_the_look_and_the_sleep_is_not_slept_over(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.source.on(ago(0), raises=[Transient("SOURCE", "Not now.")])
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    assert rig.runs(backfill) == {ago(0): ("QUEUED", 1)}
    real, slept = rig.dispatcher._sleep, []

    async def late() -> None:
        if not slept:
            rig.pass_time(seconds=10)
        slept.append(rig.dispatcher)
        await real()

    monkeypatch.setattr(rig.dispatcher, "_sleep", late)
    await rig.settle()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 2)}


async def test_days_start_while_the_runs_of_a_long_backfill_are_still_being_made(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(materialise, "CHUNK_DAYS", 4)
    transfers = [rig.transfer(), rig.transfer()]
    await meet(rig, *transfers)
    await rig.backfill(transfers[0], last(2))
    long = await rig.backfill(transfers[1], last(20))
    created: list[object] = []
    executor, submit = rig.executor, rig.executor.submit

    def watched(run: object, job: object) -> object:
        created.append(rig.installation.execute("SELECT created FROM backfills WHERE backfill_id = :id", id=long)[0][0])
        return submit(run, job)

    monkeypatch.setattr(executor, "submit", watched)
    await rig.settle()
    assert created[0] == 0
    assert created[-1] == 20


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError("disk"), "the dispatcher met OSError and tries again"),
        (Busy("The state database cannot be written."), "The state database cannot be written."),
    ],
)
async def test_while_nothing_works_it_says_so(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    seen: list[str | None] = []

    async def broken(*_: object) -> tuple[list[lanes.Lane], bool]:
        seen.append(rig.dispatcher.fault)
        if len(seen) < 3:
            raise error
        return [], False

    monkeypatch.setattr(lanes, "waiting", broken)
    await rig.settle()
    assert seen[:2] == [None, says]
    assert rig.dispatcher.fault is None


async def test_a_stop_records_what_runs_and_starts_nothing_more(rig: Rig) -> None:
    rig.single_days()
    executor = rig.gated()
    transfer = rig.transfer(parallelism=2)
    backfill = await rig.backfill(transfer, last(6))
    await rig.step()
    rig.dispatcher.stop()
    await rig.answer(ago(0))
    assert rig.task is not None and len(executor.gates) == 1
    await rig.answer(ago(1))
    assert rig.task is None
    made = await rig.get(backfill)
    assert (made.status, made.completed, made.running, made.waiting) == ("RUNNING", 2, 0, 4)
    await rig.finish()
    assert rig.agrees(transfer) == sorted(last(6))
    assert {n for _, n in rig.runs(backfill).values()} == {1}


async def test_a_result_that_cannot_be_recorded_is_kept_until_it_can(rig: Rig) -> None:
    transfer = rig.transfer()
    backfill = await rig.backfill(transfer, last(1))
    await rig.step()
    rig.fail_at("record", OSError("disk full"), times=5)
    again = await rig.backfill(rig.transfer(), last(1))
    await rig.settle()
    assert rig.raised == 5
    assert {rig.runs(one)[ago(0)] for one in (backfill, again)} == {("COMPLETED", 1)}
    assert len(rig.source.reads) == 2


async def test_a_transfer_whose_source_is_gone_fails_alone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after the return to an older version: its days say why, the days of others load."""

    def get(kind: str) -> object:
        if kind == "LATER":
            raise Permanent("CONFIG", "There is no data source 'LATER'.")
        return rig.source

    monkeypatch.setattr(sources, "get", get)
    gone, other = rig.transfer(), rig.transfer()
    rig.installation.execute(
        "UPDATE transfers SET configuration = replace(configuration, 'FILES', 'LATER') WHERE transfer_id = :id", id=gone
    )
    lost, kept = await rig.backfill(gone, last(2)), await rig.backfill(other, last(2))
    await rig.settle()
    assert (await rig.report(lost))[0] == (ago(0), "CONFIG", 1)
    assert (await rig.get(kept)).status == "COMPLETED"


async def test_a_result_that_comes_while_others_are_recorded_is_not_lost(rig: Rig) -> None:
    rig.single_days()
    executor = rig.gated()
    transfer = rig.transfer(parallelism=2)
    await rig.backfill(transfer, last(2))
    await rig.step()
    first, second = executor.gates
    rig.failpoint = lambda name: second.answer() if name == "record" and not second.future.done() else None
    first.answer()
    await rig.settle()
    assert (await rig.get(1)).status == "COMPLETED"
    assert rig.agrees(transfer) == sorted(last(2))


async def test_idle_it_sleeps_until_it_is_woken(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real sleep, on the real clock: no pass without a reason."""
    passes = asyncio.Semaphore(0)

    class Counting(Dispatcher):
        async def _pass(self) -> None:
            await super()._pass()
            passes.release()

    monkeypatch.setattr(dispatch, "LONGEST_SLEEP", 3600.0)
    monkeypatch.setattr(claim, "QUICK_SECONDS", 3600.0)  # however slow the machine is
    real = Counting(rig.db, rig.installation.server.seams, rig.executor, unsealed, "here", NO_SPOOL)
    task = asyncio.create_task(real.run())
    await passes.acquire()
    for _ in range(50):
        await asyncio.sleep(0)
    assert passes.locked(), "it has looked again without a reason"
    transfer = rig.transfer()
    await rig.backfill(transfer, last(1))
    real.wake()
    for _ in range(3):  # one that looks at the destination, one that hands out, one that records
        await passes.acquire()
    assert rig.agrees(transfer) == [ago(0)]
    for _ in range(50):
        await asyncio.sleep(0)
    assert passes.locked()
    real.stop()
    await task
