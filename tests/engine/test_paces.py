"""What counts as work in the estimate of a backfill: no pause, no rest before a retry, no day that nobody tried."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

import seeds
from dayfill.domain.backfill import Backfill
from dayfill.domain.days import DayRange
from dayfill.domain.live import Subject
from dayfill.domain.run import Failure
from dayfill.engine import backfills as verbs
from dayfill.engine.live_topics import TransferTopic
from dayfill.store import backfills
from installation import Installation
from worker import claim_some, finish, materialise_all, refused

HUNDRED = DayRange(date(2024, 3, 1), date(2024, 6, 8))
HOUR = 3600
REVOKED = Failure("AUTH", "The login was revoked.", transient=False, fatal=True)


class Paced:
    """A backfill of a hundred days whose time a test decides."""

    def __init__(self, made: Installation, one: Backfill) -> None:
        self.made, self.one = made, one

    async def read(self) -> Backfill:
        found = await backfills.get(self.made.db, self.made.team_id, self.one.backfill_id)
        assert found is not None
        return found

    async def worked(self) -> float:
        return (await self.read()).worked(self.made.now).total_seconds()

    async def days(self, most: int, seconds: float, failure: Failure | None = None) -> None:
        """Some days are loaded, or fail, one after the other."""
        for _ in range(most):
            orders = await claim_some(self.made, 1)
            self.made.pass_time(seconds=seconds)
            await finish(self.made, orders, {order.data_date: failure for order in orders} if failure else None)

    async def pause(self) -> None:
        async with self.made.db.write() as tx:
            await verbs.pause(tx, self.made.server.seams, self.made.team_id, self.made.user_id, self.one.backfill_id)

    async def resume(self) -> None:
        async with self.made.db.write() as tx:
            await verbs.resume(tx, self.made.server.seams, self.made.team_id, self.one.backfill_id)

    async def retry(self) -> None:
        async with self.made.db.write() as tx:
            await verbs.retry(tx, self.made.server.seams, self.made.team_id, self.one.backfill_id)


@pytest.fixture
async def paced(installation: Installation) -> Paced:
    transfer_id = (await seeds.transfer(installation)).transfer_id
    whose = installation.team_id, installation.user_id, transfer_id
    async with installation.db.write() as tx:
        made = await verbs.create(tx, installation.server.seams, *whose, HUNDRED, max_days=100)
    await materialise_all(installation)
    return Paced(installation, made)


async def test_a_pause_is_no_work(paced: Paced) -> None:
    await paced.pause()
    paced.made.pass_time(seconds=HOUR)
    await paced.resume()
    assert (await paced.read()).paced_since is None, "it has not begun"
    await paced.days(2, seconds=10)
    for _ in range(2):
        await paced.pause()
        paced.made.pass_time(seconds=HOUR)
        assert await paced.worked() == 20
        await paced.resume()
        assert await paced.worked() == 20
    await paced.days(1, seconds=10)
    assert await paced.worked() == 30


async def test_days_that_a_pause_finds_under_way_go_on_and_count(paced: Paced) -> None:
    orders = await claim_some(paced.made, 2)
    paced.made.pass_time(seconds=5)
    await paced.pause()
    paced.made.pass_time(seconds=5)
    await paced.resume()
    assert await paced.worked() == 10
    await paced.pause()
    paced.made.pass_time(seconds=20)
    assert await paced.worked() == 30
    await finish(paced.made, orders)
    paced.made.pass_time(seconds=HOUR)
    await paced.resume()
    assert await paced.worked() == 30


async def test_a_retry_takes_the_rest_and_the_work_on_its_days_back(paced: Paced) -> None:
    await paced.days(40, seconds=10)
    await paced.days(60, seconds=10, failure=refused())
    paced.made.pass_time(seconds=HOUR)
    assert await paced.worked() == 1000
    await paced.retry()
    assert ((await paced.read()).failed, await paced.worked()) == (0, 400)
    paced.made.pass_time(seconds=-HOUR)
    assert await paced.worked() == 0, "a clock that was set back counts nothing"
    paced.made.pass_time(seconds=HOUR)
    await paced.days(60, seconds=10)
    assert await backfills.paces(paced.made.db, paced.one.transfer_id) == [10]


async def test_a_retry_of_all_days_begins_anew(paced: Paced) -> None:
    await paced.days(100, seconds=10, failure=refused())
    paced.made.pass_time(seconds=HOUR)
    await paced.retry()
    assert await paced.worked() == 0
    await paced.days(1, seconds=3)
    assert await paced.worked() == 3


async def test_days_that_nobody_tried_do_not_make_it_faster(paced: Paced) -> None:
    await paced.days(7, seconds=10)
    await paced.days(3, seconds=10, failure=REVOKED)
    stopped = await paced.read()
    assert (stopped.failed, stopped.stopped_cause) == (93, "AUTH")
    assert await backfills.paces(paced.made.db, paced.one.transfer_id) == [10]
    paced.made.pass_time(seconds=HOUR)
    await paced.retry()
    assert await paced.worked() == 70


async def test_whoever_watches_through_a_pause_is_told_the_pace_of_before(paced: Paced) -> None:
    """The rest was taken for slow work: after an hour of it the other days would take weeks."""
    seams = replace(paced.made.server.seams, monotonic=paced.made.monotonic)
    topic = TransferTopic(paced.made.db, seams, Subject(paced.made.team_id, paced.one.transfer_id))

    async def left() -> float | None:
        topic.forget()
        (told,) = (await topic.tell()).progress
        return told.eta_seconds

    await paced.days(10, seconds=10)
    assert await left() == pytest.approx(900)
    orders = await claim_some(paced.made, 2)
    await paced.pause()
    assert await left() is None
    paced.made.pass_time(seconds=20)
    await finish(paced.made, orders)
    assert await left() is None
    for _ in range(60):
        paced.made.pass_time(seconds=HOUR / 60)
        assert await left() is None
    await paced.resume()
    assert await left() == pytest.approx(880)
