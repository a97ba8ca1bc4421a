"""What rests, in the state: never shortened, over only for a run that started later and was answered."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

import seeds
from dayfill.domain.parking import Waiting
from dayfill.domain.run import Side
from dayfill.domain.transfer import Transfer
from dayfill.store import parking, transfers
from installation import NOON, Installation

pytestmark = pytest.mark.parametrize("side", list(Side), ids=str)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


async def park(made: Installation, side: Side, transfer: Transfer, *, now: datetime = NOON, until: datetime) -> None:
    async with made.db.write() as tx:
        end = await parking.end_of(tx, side, transfer.transfer_id)
        await parking.park(tx, end, now, until, "QUOTA", f"until {until:%H:%M}")


async def unpark(made: Installation, side: Side, transfer: Transfer, started: datetime) -> None:
    async with made.db.write() as tx:
        await parking.unpark(tx, side, {transfer.transfer_id: started})


async def test_a_rest_is_never_shortened_and_keeps_its_beginning(installation: Installation, side: Side) -> None:
    made = await seeds.transfer(installation)
    await park(installation, side, made, until=NOON + 2 * HOUR)
    await park(installation, side, made, now=NOON + SECOND, until=NOON + HOUR)
    assert await parking.waiting(installation.db, made.team_id, made.transfer_id, NOON) == Waiting(
        side, NOON + 2 * HOUR, "QUOTA", "until 14:00"
    )
    await park(installation, side, made, now=NOON + 3 * HOUR, until=NOON + 4 * HOUR)
    assert (await parking.end_of(installation.db, side, made.transfer_id)).since == NOON


async def test_only_a_run_that_started_later_ends_it(installation: Installation, side: Side) -> None:
    made = await seeds.transfer(installation)
    other = Side.SOURCE if side is Side.DESTINATION else Side.DESTINATION
    await park(installation, side, made, until=NOON + HOUR)
    await unpark(installation, side, made, NOON + HOUR - SECOND)
    await unpark(installation, other, made, NOON + 2 * HOUR)
    assert (await parking.end_of(installation.db, side, made.transfer_id)).since == NOON
    await unpark(installation, side, made, NOON + HOUR)
    assert (await parking.end_of(installation.db, side, made.transfer_id)).since is None
    assert await parking.waiting(installation.db, made.team_id, made.transfer_id, NOON) is None


async def test_the_next_end_of_a_rest_is_known(installation: Installation, side: Side) -> None:
    one, two = await seeds.transfer(installation, "One"), await seeds.transfer(installation, "Two")
    assert await parking.next_unparked(installation.db, NOON) is None
    await park(installation, side, one, until=NOON + HOUR)
    assert await parking.next_unparked(installation.db, NOON) == NOON + HOUR
    assert await parking.next_unparked(installation.db, NOON + HOUR) is None
    await park(installation, Side.DESTINATION, two, until=NOON + HOUR - SECOND)
    assert await parking.next_unparked(installation.db, NOON) == NOON + HOUR - SECOND


async def test_of_two_rests_the_longer_is_named(installation: Installation, side: Side) -> None:
    made = await seeds.transfer(installation)
    for each in Side:
        await park(installation, each, made, until=NOON + (2 * HOUR if each is side else HOUR))
    waiting = await parking.waiting(installation.db, made.team_id, made.transfer_id, NOON)
    assert waiting is not None
    assert (waiting.side, waiting.until) == (side, NOON + 2 * HOUR)
    assert await parking.waiting(installation.db, made.team_id, made.transfer_id, NOON + 2 * HOUR) is None


async def test_a_job_says_which_of_its_ends_rests(installation: Installation, side: Side) -> None:
    made = await seeds.transfer(installation)
    await park(installation, side, made, until=NOON + HOUR)
    job = await transfers.job(installation.db, made.transfer_id)
    ends = {Side.SOURCE: job.parked_until, Side.DESTINATION: job.destination_parked_until}
    assert ends == {each: NOON + HOUR if each is side else None for each in Side}
    assert job.destination.check_first == (side is Side.DESTINATION)
