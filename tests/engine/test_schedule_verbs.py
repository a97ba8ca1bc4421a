"""Schedules fire: every slot once, for each day of the window; those missed while no server ran, together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import seeds
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.transfer import SourceSetting
from dayfill.engine import schedule, transfers
from dayfill.store import schedules
from installation import NOON, Installation

SIX_NEXT_DAY = datetime(2024, 6, 16, 6, tzinfo=UTC)


def runs(installation: Installation) -> list[tuple[object, ...]]:
    return installation.execute(
        "SELECT data_date, run_type, cause_of_start, priority, status FROM runs ORDER BY data_date DESC"
    )


async def fire(installation: Installation) -> int:
    return await schedule.fire_due(installation.db, installation.server.seams)


async def test_nothing_is_due_before_the_slot_and_nothing_is_written(installation: Installation) -> None:
    await seeds.transfer(installation)
    assert await schedules.next_due(installation.db) == SIX_NEXT_DAY
    installation.now = SIX_NEXT_DAY - timedelta(seconds=1)
    async with installation.db.write():
        # Holds the only writer: a pass that wanted to write would wait for ever.
        assert await fire(installation) == 0
    assert runs(installation) == []


async def test_a_slot_starts_a_run_for_each_day_of_the_window_today_included(installation: Installation) -> None:
    await seeds.transfer(installation)
    installation.now = SIX_NEXT_DAY
    assert await fire(installation) == 2
    assert runs(installation) == [
        ("2024-06-16", "Recurring", "schedule", 1, "QUEUED"),
        ("2024-06-15", "Recurring", "schedule", 1, "QUEUED"),
    ]
    assert await schedules.next_due(installation.db) == SIX_NEXT_DAY + timedelta(days=1)
    assert await fire(installation) == 0


async def test_today_is_the_day_of_the_transfers_zone(installation: Installation) -> None:
    settings = (seeds.PATH, SourceSetting("timezone", "Pacific/Auckland"))
    late = Schedule(Interval.DAILY, hour=22)
    await seeds.transfer(installation, settings=settings, schedules=(late,))
    installation.now = datetime(2024, 6, 15, 22, tzinfo=UTC)
    await fire(installation)
    assert [row[0] for row in runs(installation)] == ["2024-06-16"]


async def test_a_day_that_the_zones_clock_jumps_over_is_read_by_the_next_slot(installation: Installation) -> None:
    """Four in UTC is 23:00 of Saturday the 9th in New York, and the day after 0:00 of Monday the 11th."""
    settings = (seeds.PATH, SourceSetting("timezone", "America/New_York"))
    installation.now = datetime(2024, 3, 9, 4, tzinfo=UTC)
    await seeds.transfer(installation, settings=settings, schedules=(Schedule(Interval.DAILY, hour=4),))
    for _ in range(3):
        installation.pass_time(days=1)
        await fire(installation)
    assert sorted(row[0] for row in runs(installation)) == ["2024-03-09", "2024-03-10", "2024-03-11", "2024-03-12"]


async def test_slots_missed_while_down_fire_once_for_the_days_of_all_of_them(installation: Installation) -> None:
    hourly = Schedule(Interval.HOURLY)
    await seeds.transfer(installation, schedules=(hourly,))
    installation.pass_time(days=3, minutes=20)
    assert await fire(installation) == 4
    assert [row[0] for row in runs(installation)] == ["2024-06-18", "2024-06-17", "2024-06-16", "2024-06-15"]
    assert installation.execute("SELECT count(*) FROM schedule_slots") == [(1,)]
    assert await schedules.next_due(installation.db) == NOON + timedelta(days=3, hours=1)


async def test_a_slot_that_fires_after_midnight_reads_its_own_day_too(installation: Installation) -> None:
    await seeds.transfer(installation, schedules=(Schedule(Interval.DAILY, hour=23),))
    installation.now = datetime(2024, 6, 16, 0, 5, tzinfo=UTC)
    await fire(installation)
    assert [row[0] for row in runs(installation)] == ["2024-06-16", "2024-06-15"]


async def test_after_years_without_a_server_no_more_than_a_year_is_caught_up(installation: Installation) -> None:
    await seeds.transfer(installation, schedules=(Schedule(Interval.HOURLY),))
    installation.pass_time(days=800)
    assert await fire(installation) == 367
    assert len({row[0] for row in runs(installation)}) == 367


async def test_a_waiting_run_of_the_same_day_is_joined(installation: Installation) -> None:
    hourly = Schedule(Interval.HOURLY)
    await seeds.transfer(installation, schedules=(hourly,))
    installation.pass_time(hours=1)
    assert await fire(installation) == 1
    installation.pass_time(hours=1)
    assert await fire(installation) == 0
    assert len(runs(installation)) == 1
    assert installation.execute("SELECT queued FROM transfer_days") == [(1,)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_two_schedules_of_one_slot_fire_together_with_the_longer_window(
    installation: Installation, order: tuple[int, int]
) -> None:
    long = Schedule(Interval.WEEKLY, refresh_window=5, hour=6, weekday=7)  # 16 June 2024 is a Sunday
    both = (seeds.DAILY, long)
    await seeds.transfer(installation, schedules=tuple(both[position] for position in order))
    installation.now = SIX_NEXT_DAY
    assert await fire(installation) == 5
    assert [row[0] for row in runs(installation)][-1] == "2024-06-12"


async def test_a_slot_that_has_fired_never_fires_again(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    installation.now = SIX_NEXT_DAY
    assert await fire(installation) == 2
    installation.execute("DELETE FROM runs")
    async with installation.db.write() as tx:  # as if the clock had been set back
        await schedules.set_next(tx, made.transfer_id, 0, SIX_NEXT_DAY)
    assert await fire(installation) == 0
    assert runs(installation) == []
    assert await schedules.next_due(installation.db) == SIX_NEXT_DAY + timedelta(days=1)


async def test_more_transfers_than_one_batch(installation: Installation) -> None:
    for number in range(schedule.BATCH + 1):
        await seeds.transfer(installation, f"Transfer_{number}")
    installation.now = SIX_NEXT_DAY
    assert await fire(installation) == 2 * (schedule.BATCH + 1)


async def test_a_paused_transfer_is_not_due_and_does_not_catch_up(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    seams, team_id = installation.server.seams, installation.team_id
    async with installation.db.write() as tx:
        await transfers.pause(tx, team_id, made.transfer_id)
    assert await schedules.next_due(installation.db) is None
    installation.now = SIX_NEXT_DAY + timedelta(days=4, hours=1)
    assert await fire(installation) == 0
    async with installation.db.write() as tx:
        await transfers.unpause(tx, seams, team_id, made.transfer_id)
    assert await fire(installation) == 0, "unpause waits for the next slot"
    assert await schedules.next_due(installation.db) == SIX_NEXT_DAY + timedelta(days=5)


async def test_an_update_plans_anew_unless_the_transfer_is_paused(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    hourly = replace(made.configuration, schedules=(Schedule(Interval.HOURLY),))
    await seeds.update(installation, made.transfer_id, hourly)
    assert await schedules.next_due(installation.db) == NOON + timedelta(hours=1)
    async with installation.db.write() as tx:
        await transfers.pause(tx, installation.team_id, made.transfer_id)
    await seeds.update(installation, made.transfer_id, made.configuration)
    assert await schedules.next_due(installation.db) is None


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_schedule_that_is_not_due_waits_beside_one_that_is(
    installation: Installation, order: tuple[int, int]
) -> None:
    both = (Schedule(Interval.DAILY, hour=6), Schedule(Interval.DAILY, refresh_window=9, hour=7))
    await seeds.transfer(installation, schedules=tuple(both[position] for position in order))
    installation.now = SIX_NEXT_DAY
    assert await fire(installation) == 1
    assert await schedules.next_due(installation.db) == SIX_NEXT_DAY + timedelta(hours=1)


async def test_a_fault_while_schedules_fire_leaves_their_slots_due(installation: Installation) -> None:
    await seeds.transfer(installation)
    installation.now = SIX_NEXT_DAY

    def failpoint(name: str) -> None:
        if name == "fire":
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        await schedule.fire_due(installation.db, replace(installation.server.seams, failpoint=failpoint))
    assert (runs(installation), await schedules.next_due(installation.db)) == ([], SIX_NEXT_DAY)
    assert await fire(installation) == 2
