"""A wall clock that somebody sets, ahead or back, while runs are under way or wait: the work goes on as before."""

from __future__ import annotations

from datetime import timedelta

import pytest

import seeds
from dayfill.domain.schedule import Interval, Schedule
from dayfill.engine.clock import shorten_waits
from dayfill.errors import Transient
from dayfill.store import schedules
from installation import NOON, Installation
from rig import Rig, ago, last

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
JUMPS = pytest.mark.parametrize("jump", [HOUR, -HOUR, YEAR, -YEAR], ids=["+1h", "-1h", "+1y", "-1y"])


def busy(times: int = 1) -> list[BaseException]:
    return [Transient("TIMEOUT", "No answer.") for _ in range(times)]


async def set_clock(rig: Rig, by: timedelta) -> None:
    rig.installation.set_clock(by)
    await rig.step()


@JUMPS
async def test_what_runs_goes_on_once_and_ends_no_earlier_than_it_began(rig: Rig, jump: timedelta) -> None:
    executor = rig.gated()
    rig.single_days()
    transfer = rig.transfer(parallelism=3)
    backfill = await rig.backfill(transfer, last(3))
    await rig.step()
    running = list(executor.gates)
    await set_clock(rig, jump)
    rig.pass_time(minutes=9)
    await rig.step()
    assert executor.gates == running, "nothing is claimed twice, nothing is given up before its deadline"
    await rig.finish()
    made = await rig.get(backfill)
    assert (made.status, set(rig.runs(backfill).values())) == ("COMPLETED", {("COMPLETED", 1)})
    assert made.start_time is not None and made.end_time is not None
    assert made.created_time <= made.start_time <= made.end_time
    assert rig.installation.execute("SELECT count(*) FROM runs WHERE ended_time < started_time") == [(0,)]


@JUMPS
async def test_a_slice_that_hangs_is_given_up_at_its_deadline_whatever_the_clock_says(
    rig: Rig, jump: timedelta
) -> None:
    executor = rig.gated()
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    await set_clock(rig, jump)
    rig.pass_time(seconds=600 + 29)
    await rig.step()
    assert len(executor.gates) == 1
    rig.pass_time(seconds=1)
    await rig.step()
    assert rig.runs(backfill)[ago(0)][0] == "QUEUED"


@pytest.mark.parametrize("while_down", [False, True], ids=["running", "down"])
async def test_a_retry_does_not_wait_for_a_clock_that_was_set_back(rig: Rig, while_down: bool) -> None:
    await rig.step()
    await set_clock(rig, YEAR)
    rig.source.on(ago(0), raises=busy())
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    assert rig.runs(backfill) == {ago(0): ("QUEUED", 1)}
    if while_down:
        await rig.crash()
    await set_clock(rig, -YEAR)
    await rig.settle()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 2)}
    assert timedelta(seconds=rig.installation.monotonic()) < timedelta(minutes=1)


async def test_a_retry_of_a_run_that_began_before_the_clock_was_set_back_waits_by_the_new_clock(rig: Rig) -> None:
    rig.gated()
    rig.source.on(ago(0), raises=busy())
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    await set_clock(rig, -YEAR)
    await rig.answer(ago(0))
    await rig.finish()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 2)}
    assert timedelta(seconds=rig.installation.monotonic()) < timedelta(minutes=1)


async def test_a_retry_that_was_held_while_the_clock_was_set_back_waits_no_longer(rig: Rig) -> None:
    rig.gated()
    await rig.step()
    await set_clock(rig, YEAR)
    rig.source.on(ago(0), raises=busy())
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    await rig.verb("pause", backfill)
    await rig.answer(ago(0))
    await set_clock(rig, -YEAR)
    await rig.verb("resume", backfill)
    await rig.finish()
    assert (await rig.get(backfill)).status == "COMPLETED"
    assert timedelta(seconds=rig.installation.monotonic()) < timedelta(minutes=1)


async def test_a_connection_rests_no_longer_than_a_day_by_a_clock_that_was_set_back(rig: Rig) -> None:
    await rig.step()
    await set_clock(rig, YEAR)
    rig.source.on(ago(0), raises=[Transient("QUOTA", "Enough for today.", retry_after=7200)])
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    await set_clock(rig, -YEAR)
    await rig.settle()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 1)}
    assert timedelta(seconds=rig.installation.monotonic()) <= timedelta(days=1)


async def test_what_waits_rightly_is_left_alone(rig: Rig) -> None:
    rig.source.on(ago(0), raises=[Transient("QUOTA", "Enough for today.", retry_after=7200)])
    await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    await shorten_waits(rig.db, rig.seams)
    await rig.step()
    await rig.settle()
    assert timedelta(seconds=rig.installation.monotonic()) == timedelta(hours=2)


async def test_a_schedule_that_fired_while_the_clock_was_ahead_fires_again_in_time(installation: Installation) -> None:
    made = await seeds.transfer(installation, schedules=(seeds.DAILY, Schedule(Interval.HOURLY)))
    seams = installation.server.seams
    async with installation.db.write() as tx:
        await schedules.set_next(tx, made.transfer_id, 0, NOON + YEAR)
    await shorten_waits(installation.db, seams)
    planned = [slot for _, _, slot in await schedules.of_transfer(installation.db, made.transfer_id)]
    assert planned == [NOON + timedelta(hours=18), NOON + HOUR]


async def test_a_slot_that_was_missed_is_not_forgotten(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    installation.pass_time(days=3)
    await shorten_waits(installation.db, installation.server.seams)
    assert await schedules.next_due(installation.db) == NOON + timedelta(hours=18)
    assert made.transfer_id == 1
