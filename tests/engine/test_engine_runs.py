"""Runs outside any backfill: a day is loaded once for all who wait for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dayfill.domain.run import Priority
from dayfill.engine import runs
from dayfill.engine.runs import Enqueued
from dayfill.errors import Missing, Refused, Transient
from rig import LAST, Rig, ago, last


async def now(rig: Rig, transfer: int, **choice: object) -> Enqueued:
    async with rig.db.write() as tx:
        return await runs.run_now(tx, rig.seams, rig.team_id, transfer, **choice)


async def test_a_run_now_joins_what_waits_already(rig: Rig) -> None:
    transfer = rig.transfer()
    first = await rig.refresh(transfer, ago(1), ago(2))
    assert (first.dates, first.joined) == ([ago(1), ago(2)], [])
    second = await now(rig, transfer, dates=[ago(1), ago(3), ago(3)])
    assert (second.dates, second.joined) == ([ago(3)], [(ago(1), first.run_ids[0])])
    waiting = dict(rig.installation.execute("SELECT data_date, priority FROM runs"))
    assert waiting == {
        str(ago(1)): Priority.INTERACTIVE,
        str(ago(2)): Priority.SCHEDULE,
        str(ago(3)): Priority.INTERACTIVE,
    }
    await rig.settle()
    assert sorted(rig.destination.loaded) == [ago(3), ago(2), ago(1)]
    assert rig.agrees(transfer) == [ago(3), ago(2), ago(1)]


async def test_a_schedule_never_slows_what_a_person_asked_for(rig: Rig) -> None:
    transfer = rig.transfer()
    first = await now(rig, transfer, dates=[LAST])
    joined = await rig.refresh(transfer, LAST)
    assert joined.joined == [(LAST, first.run_ids[0])]
    assert rig.installation.execute("SELECT priority FROM runs") == [(Priority.INTERACTIVE,)]


async def test_a_run_now_ends_the_wait_of_a_delayed_run(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.source.on(LAST, raises=[Transient("NETWORK", "Lost.")])
    await rig.refresh(transfer, LAST)
    await rig.step()
    await now(rig, transfer, dates=[LAST])
    await rig.step()
    assert rig.agrees(transfer) == [LAST]
    assert len(rig.source.reads) == 2


async def test_while_a_day_runs_another_run_of_it_waits(rig: Rig) -> None:
    executor = rig.gated()
    transfer = rig.transfer()
    await now(rig, transfer, dates=[LAST])
    await rig.step()
    second = await now(rig, transfer, dates=[LAST])
    assert (len(second.run_ids), second.joined) == (1, [])
    await rig.step()
    assert len(executor.gates) == 1
    await rig.finish()
    assert rig.destination.loaded == [LAST, LAST]
    assert rig.agrees(transfer) == [LAST]


async def test_without_days_it_is_the_window(rig: Rig) -> None:
    transfer = rig.transfer()
    today = LAST + timedelta(days=1)
    assert (await now(rig, transfer)).dates == [today]
    assert (await now(rig, transfer, window=3)).dates == [LAST, ago(1)]


async def test_the_window_ends_with_the_day_that_the_account_has(rig: Rig) -> None:
    """At noon in UTC of the 15th it is midnight in Auckland, of the 16th."""
    transfer = rig.transfer()
    rig.installation.execute("UPDATE transfers SET zone = 'Pacific/Auckland'")
    assert (await now(rig, transfer, window=2)).dates == [LAST + timedelta(days=2), LAST + timedelta(days=1)]


async def test_a_day_in_the_future_is_refused_and_nothing_starts(rig: Rig) -> None:
    with pytest.raises(Refused, match="2024-06-16 is in the future: the last possible day is 2024-06-15"):
        await now(rig, rig.transfer(), dates=[LAST, LAST + timedelta(days=2)])
    assert rig.installation.execute("SELECT count(*) FROM runs") == [(0,)]


async def test_another_teams_transfer_is_missing(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.team_id = await rig.installation.team("Other")
    with pytest.raises(Missing, match=r"^Transfer not found; list"):
        await now(rig, transfer, dates=[LAST])


async def test_waiting_runs_of_a_deleted_transfer_are_cancelled(rig: Rig) -> None:
    transfer, other = rig.transfer(), rig.transfer()
    await rig.refresh(transfer, LAST, ago(1))
    await rig.refresh(other, LAST)
    backfill = await rig.backfill(transfer, last(1))
    async with rig.db.write() as tx:
        await runs.cancel_waiting(tx, rig.seams, transfer)
    assert rig.installation.execute("SELECT status, count(*) FROM runs GROUP BY 1 ORDER BY 1") == [
        ("CANCELLED", 2),
        ("QUEUED", 1),
    ]
    assert await rig.check() == []
    assert (await rig.get(backfill)).status == "CREATED"
