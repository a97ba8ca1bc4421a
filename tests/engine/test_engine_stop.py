"""A dispatcher that is told to stop: it records what is in flight, starts nothing more, and returns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from dayfill.domain.backfill import BackfillStatus
from dayfill.engine import dispatch
from dayfill.engine.dispatch import Dispatcher
from dayfill.errors import NotLeading
from rig import LAST, Rig, last
from scripted import NO_SPOOL, unsealed


async def test_it_returns_once_the_last_answer_is_recorded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.single_days()
    executor, both_handed_out = rig.gated(), asyncio.Event()
    submit = executor.submit

    def watched(run: Callable[..., object], job: object) -> Future[object]:
        future = submit(run, job)
        if len(executor.jobs) == 2:
            both_handed_out.set()
        return future

    monkeypatch.setattr(executor, "submit", watched)
    backfill_id = await rig.backfill(rig.transfer(parallelism=2), last(5))
    dispatcher = Dispatcher(rig.db, rig.seams, executor, unsealed, "here", NO_SPOOL)
    running = asyncio.create_task(dispatcher.run())
    async with asyncio.timeout(30):
        await both_handed_out.wait()
        dispatcher.stop()
        for gate in executor.gates:
            gate.answer()
        await running
    stopped = await rig.get(backfill_id)
    assert (stopped.status, stopped.completed, stopped.running, len(executor.jobs)) == (BackfillStatus.RUNNING, 2, 0, 2)


async def test_what_lands_while_another_server_dispatches_is_no_result(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor, lost = rig.gated(), list[Exception]()
    write = rig.db.write

    def led() -> object:
        if lost:
            raise lost.pop()
        return write()

    monkeypatch.setattr(rig.db, "write", led)
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    lost.append(NotLeading("Another server dispatches."))
    await rig.answer()
    assert rig.runs(backfill) == {LAST: ("RUNNING", 2)}, "it is read again, now that this one dispatches again"
    executor.gates[0].answer()
    lost.append(NotLeading("Another server dispatches."))
    rig.dispatcher.stop()
    await rig.step()
    assert rig.task is None, "it does not stay for what is not its own any more"
    assert rig.runs(backfill) == {LAST: ("RUNNING", 2)}
    assert [type(fault) for fault in rig.faults] == [NotLeading] * 2


async def test_it_looks_again_by_itself_when_the_time_has_come(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "LONGEST_SLEEP", 0.0)
    dispatcher = Dispatcher(rig.db, rig.seams, rig.executor, unsealed, "here", NO_SPOOL)
    sleep, asleep = dispatcher._sleep, asyncio.Event()

    async def falling_asleep() -> None:
        asleep.set()
        await sleep()

    monkeypatch.setattr(dispatcher, "_sleep", falling_asleep)
    rig.failpoint = lambda name: dispatcher.stop() if name == "after_load" else None
    running = asyncio.create_task(dispatcher.run())
    async with asyncio.timeout(30):
        await asleep.wait()
        backfill_id = await rig.backfill(rig.transfer(), last(1))  # nobody wakes it
        await running
    assert (await rig.get(backfill_id)).status is BackfillStatus.COMPLETED
