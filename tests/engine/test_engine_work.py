"""The dispatcher counts what it has recorded, once and after the commit."""

from __future__ import annotations

from dayfill.domain.run import RunType
from dayfill.engine.rescue import start_over
from dayfill.errors import Busy, Permanent, Transient
from rig import Rig, ago, last

RECURRING, BACKFILL = RunType.RECURRING, RunType.BACKFILL


async def test_days_are_counted_by_type_and_by_what_became_of_them(rig: Rig) -> None:
    rig.source.on(ago(0), raises=[Transient("HTTP", "busy")])
    rig.source.on(ago(1), always=Permanent("SCHEMA", "no such column"))
    transfer = rig.transfer()
    await rig.backfill(transfer, last(3))
    await rig.settle()
    await rig.refresh(transfer, ago(5))
    await rig.settle()
    work = rig.dispatcher.work
    assert work.days == {
        (BACKFILL, "loaded"): 2,
        (BACKFILL, "failed"): 1,
        (BACKFILL, "again"): 1,
        (RECURRING, "loaded"): 1,
    }
    assert (work.rows, work.late, work.passes) == (6, 0, rig.passes)


async def test_a_recording_that_was_rolled_back_is_counted_when_it_is_written(rig: Rig) -> None:
    rig.fail_at("record", Busy("the disk is full"), times=2)
    await rig.backfill(rig.transfer(), last(2))
    await rig.settle()
    assert rig.raised == 2
    assert rig.dispatcher.work.days == {(BACKFILL, "loaded"): 2}


async def test_results_of_days_that_were_given_to_another_try_are_late(rig: Rig) -> None:
    rig.gated()
    transfer = rig.transfer()
    await rig.backfill(transfer, last(1))
    await rig.step()
    async with rig.db.write() as tx:
        await start_over(tx, rig.seams, transfer)
    await rig.answer()
    assert (rig.dispatcher.work.late, rig.dispatcher.work.days) == (1, {})
    await rig.finish()
    assert (rig.dispatcher.work.late, rig.dispatcher.work.days) == (1, {(BACKFILL, "loaded"): 1})


async def test_an_answer_after_the_deadline_is_late(rig: Rig) -> None:
    rig.gated()
    await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    rig.pass_time(hours=10)
    await rig.step()
    assert rig.dispatcher.work.days == {(BACKFILL, "again"): 1}
    await rig.answer()
    assert rig.dispatcher.work.late == 1
    await rig.finish()
