"""A login that was revoked, or a destination that is gone: how often it is asked before that is believed."""

from __future__ import annotations

import pytest

from dayfill.errors import Permanent
from dayfill.store.db import micros
from rig import Rig, ago, last

BARRED = Permanent("AUTH", "The login was revoked.", fatal=True)
WRONG = Permanent("DATA", "Wrong.")


@pytest.mark.parametrize("at_once", [1, 1000], ids=["a day a read", "all in one read"])
async def test_a_slice_of_many_days_asks_once(rig: Rig, at_once: int) -> None:
    rig.source.max_days_per_read = at_once
    executor = rig.gated()
    backfill = await rig.backfill(rig.transfer(parallelism=1), last(200))
    await rig.step()
    while len(executor.gates[0].days) < 16:
        await rig.answer()
    guilty = executor.gates[0].days
    rig.source.on(*last(200), always=BARRED)
    rig.source.reads.clear()
    await rig.answer()
    made = await rig.get(backfill)
    assert (made.status, made.stopped_cause) == ("FAILED", "AUTH")
    assert rig.source.reads == [guilty[:at_once]]
    assert executor.gates == []
    causes = [cause for _, cause, _ in await rig.report(backfill)]
    assert causes.count("AUTH") == len(guilty)
    assert causes.count("STOPPED") == made.failed - len(guilty) > 0


@pytest.mark.parametrize("at_once", [1, 1000])
async def test_a_schedule_asks_once_per_slot(rig: Rig, at_once: int) -> None:
    rig.source.max_days_per_read = at_once
    transfer = rig.transfer(parallelism=1)
    rig.source.on(*last(30), always=BARRED)
    for slot in range(1, 4):
        await rig.refresh(transfer, *last(30))
        await rig.settle()
        assert len(rig.source.reads) == slot
    rows = rig.installation.execute("SELECT status, cause, attempts, count(*) FROM runs GROUP BY 1, 2, 3 ORDER BY 2")
    assert rows == [("FAILED", "AUTH", 1, 1 + 4 + 16), ("FAILED", "STOPPED", 0, 29 + 26 + 14)]
    message = rig.installation.execute("SELECT DISTINCT message FROM runs WHERE cause = 'STOPPED'")
    assert message == [
        ("not tried: another day failed with AUTH, which meets every day alike (The login was revoked.)",)
    ]
    ended = "SELECT DISTINCT ended_time, settled_time FROM runs JOIN transfer_days USING (transfer_id, data_date)"
    assert rig.installation.execute(f"{ended} WHERE cause = 'STOPPED'") == [(micros(rig.seams.now()),) * 2]
    rig.source.scripts.clear()
    await rig.refresh(transfer, *last(30))
    await rig.settle()
    assert rig.agrees(transfer) == sorted(last(30))


async def test_an_error_of_one_day_stops_no_other_and_no_other_transfer(rig: Rig) -> None:
    rig.single_days()
    one, other = rig.transfer(parallelism=1), rig.transfer(parallelism=1)
    rig.source.on(ago(0), raises=[BARRED, WRONG])
    backfill = await rig.backfill(one, last(4))
    for transfer in (one, other):
        await rig.refresh(transfer, *last(3))
    await rig.settle()
    # The first of the two that asks is barred; the other meets an error of that day alone.
    assert sorted(
        rows for (rows,) in rig.installation.execute("SELECT count(*) FROM runs WHERE cause = 'STOPPED'")
    ) == [2]
    assert rig.installation.execute("SELECT DISTINCT transfer_id FROM runs WHERE cause = 'STOPPED'") == [(one,)]
    assert (await rig.get(backfill)).completed == 4, "days of a backfill have a count of their own"
