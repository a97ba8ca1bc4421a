"""What watchers are told: everything once, in order, and only what moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta

import pytest
from structlog.testing import capture_logs

import seeds
from dayfill.domain.backfill import ACTIVE, Backfill
from dayfill.domain.days import WHOLE, DayRange, DayState
from dayfill.domain.live import Event, Progress, Subject, TeamEvent
from dayfill.engine import backfills, live, live_topics, transfers
from dayfill.engine.live import Hub
from dayfill.engine.live_topics import TransferTopic
from dayfill.errors import Busy, Exceeded
from dayfill.store import days
from dayfill.store.db import micros
from installation import Installation
from worker import claim_some, finish, materialise_all, refused, work_off

FIRST, LAST = date(2024, 6, 1), date(2024, 6, 10)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "COALESCE_SECONDS", 0.0)
    monkeypatch.setattr(live, "REST", 0)
    monkeypatch.setattr(live, "LOOK_EVERY_SECONDS", 0.02)


@pytest.fixture
async def hub(installation: Installation) -> AsyncIterator[Hub]:
    made = Hub(installation.db, installation.server.seams)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.wait([running])


class Page:
    """A watcher that keeps what it is told, as a page does."""

    def __init__(self, made: Installation, hub: Hub, transfer_id: int, after: int | None = None) -> None:
        self.subject = Subject(made.team_id, transfer_id)
        self.events: AsyncGenerator[Event | TeamEvent | None, None] = hub.watch(made.user_id, {self.subject: after})
        self.start: date | None = None
        self.states: list[str] = []
        self.version, self.progress = 0, tuple[Progress, ...]()

    async def next(self) -> Event:
        async with asyncio.timeout(20):
            event = await anext(self.events)
        assert isinstance(event, Event) and event.subject == self.subject
        if event.states is not None:
            self.start, self.states = event.start_date, list(event.states)
        for at, state in event.moved:
            self.states[at] = state.value
        self.version, self.progress = event.version, event.progress or self.progress
        assert "".join(self.states).count("l") == event.counts[DayState.LOADED]
        return event

    async def until(self, states: str) -> None:
        while "".join(self.states) != states:
            await self.next()

    async def next_move(self) -> Event:
        """The next event that moves a day; between them estimates go on."""
        while not (event := await self.next()).moved:
            assert event.states is None
        return event


@asynccontextmanager
async def page(made: Installation, hub: Hub, transfer_id: int, after: int | None = None) -> AsyncIterator[Page]:
    opened = Page(made, hub, transfer_id, after)
    yield opened
    await opened.events.aclose()


async def create(made: Installation, transfer_id: int, first: date = FIRST, last: date = LAST) -> Backfill:
    async with made.db.write() as tx:
        return await backfills.create(
            tx, made.server.seams, made.team_id, made.user_id, transfer_id, DayRange(first, last), max_days=10_000
        )


async def test_a_page_sees_each_day_wait_run_and_end(installation: Installation, hub: Hub) -> None:
    transfer_id = (await seeds.transfer(installation)).transfer_id
    async with page(installation, hub, transfer_id) as seen:
        assert (await seen.next()).states == "", "no day is known yet"
        made = await create(installation, transfer_id)
        assert (await seen.next()).progress[0].backfill == made
        await materialise_all(installation)
        await seen.until("q" * 10)
        orders = await claim_some(installation, 2)
        await seen.until("q" * 8 + "rr")
        await finish(installation, orders, {LAST: refused()})
        await seen.until("q" * 8 + "lf")
        assert seen.start == FIRST
        await work_off(installation)
        await seen.until("l" * 9 + "f")
        while seen.progress[0].backfill.status in ACTIVE:  # its end may be told beside its last day, or after that
            await seen.next()
        (ended,) = seen.progress
        assert (ended.backfill.status, ended.backfill.failed, ended.eta_seconds) == ("FAILED", 1, None)
        assert seen.version == await days.version(installation.db, installation.team_id, transfer_id)


async def test_tables_without_days_are_in_no_calendar_and_cost_no_reading_of_it(
    installation: Installation, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer_id = (await seeds.transfer(installation)).transfer_id
    await create(installation, transfer_id)
    await materialise_all(installation)
    async with page(installation, hub, transfer_id) as seen:
        await seen.until("q" * 10)
        monkeypatch.setattr(live, "LOOK_EVERY_SECONDS", 20.0)  # a look may come between a commit and the word of it
        monkeypatch.setattr(TransferTopic, "_read_all", None)
        async with installation.db.write() as tx:
            await days.queue(tx, transfer_id, [WHOLE.isoformat(), LAST.isoformat()])
            await days.unqueue(tx, transfer_id, [WHOLE.isoformat(), LAST.isoformat()])
        assert (await seen.next()).states is None
        await claim_some(installation, 1)
        assert (await seen.next_move()).moved == ((9, DayState.RUNNING),)


async def test_what_moved_is_told_and_nothing_else(installation: Installation, hub: Hub) -> None:
    transfer_id = (await seeds.transfer(installation)).transfer_id
    await create(installation, transfer_id)
    await materialise_all(installation)
    async with page(installation, hub, transfer_id) as seen:
        await seen.until("q" * 10)
        await claim_some(installation, 1)
        assert (await seen.next_move()).moved == ((9, DayState.RUNNING),)


async def test_days_before_the_first_bring_the_whole(installation: Installation, hub: Hub) -> None:
    transfer_id = (await seeds.transfer(installation)).transfer_id
    await create(installation, transfer_id)
    await work_off(installation)
    async with page(installation, hub, transfer_id) as seen:
        await seen.until("l" * 10)
        await create(installation, transfer_id, FIRST - timedelta(days=2), FIRST - timedelta(days=2))
        await materialise_all(installation)
        await seen.until("q." + "l" * 10)
        assert seen.start == FIRST - timedelta(days=2)


async def test_many_days_at_once_are_read_in_one_go(
    installation: Installation, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_topics, "MOST_KEYED", 3)
    transfer_id = (await seeds.transfer(installation)).transfer_id
    await create(installation, transfer_id)
    await work_off(installation)
    async with page(installation, hub, transfer_id) as seen:
        await seen.until("l" * 10)
        async with installation.db.write() as tx:
            await days.outdate(tx, transfer_id)
        assert (await seen.next_move()).moved == tuple((at, DayState.STALE) for at in range(10))


async def test_who_comes_back_goes_on_where_it_left(installation: Installation, hub: Hub) -> None:
    transfer_id = (await seeds.transfer(installation)).transfer_id
    await create(installation, transfer_id)
    await materialise_all(installation)
    async with page(installation, hub, transfer_id) as there:
        await there.until("q" * 10)
        async with page(installation, hub, transfer_id) as gone:
            last = (await gone.next()).number
        await claim_some(installation, 1)
        await there.until("q" * 9 + "r")
        async with page(installation, hub, transfer_id, after=last) as back:
            back.states = list("q" * 10)
            assert (await back.next()).number == last + 1
            await back.until("q" * 9 + "r")
        async with page(installation, hub, transfer_id, after=last - 100) as stranger:
            assert (await stranger.next()).states == "q" * 9 + "r"


async def test_another_process_is_noticed(installation: Installation, hub: Hub) -> None:
    transfer_id = (await seeds.transfer(installation)).transfer_id
    await create(installation, transfer_id)
    await work_off(installation)
    async with page(installation, hub, transfer_id) as seen:
        await seen.until("l" * 10)
        installation.execute("UPDATE transfer_days SET settled = 's' WHERE data_date = '2024-06-02'")
        installation.execute("UPDATE transfers SET days_version = days_version + 1")
        await seen.until("ls" + "l" * 8)


async def test_who_does_not_read_is_given_the_whole_at_once(
    installation: Installation, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer_id = (await seeds.transfer(installation)).transfer_id
    await create(installation, transfer_id)
    await materialise_all(installation)
    async with page(installation, hub, transfer_id) as slow, page(installation, hub, transfer_id) as quick_one:
        await slow.until("q" * 10)
        await quick_one.until("q" * 10)
        for turn in range(live.MOST_UNREAD + 1):
            state = "ls"[turn % 2]
            installation.execute("UPDATE transfer_days SET settled = :state, queued = 0", state=state)
            async with installation.db.write() as tx:
                tx.touch(transfer_id, [FIRST.isoformat()])
            await quick_one.until(state + "q" * 9)
        event = await slow.next()
        assert event.states == "lqqqqqqqqq"


async def test_a_stream_ends_with_its_transfer_and_with_the_hub(installation: Installation, hub: Hub) -> None:
    first = (await seeds.transfer(installation)).transfer_id
    second = (await seeds.transfer(installation, "Second")).transfer_id
    async with page(installation, hub, first) as seen, page(installation, hub, second) as other:
        await seen.next()
        await other.next()
        async with installation.db.write() as tx:
            await transfers.delete(tx, installation.server.seams, installation.team_id, installation.user_id, first)
        with pytest.raises(StopAsyncIteration):
            while True:
                await seen.next()
        hub.close()
        with pytest.raises(StopAsyncIteration):
            while True:
                await other.next()


async def test_a_user_has_so_many_streams_and_no_more(
    installation: Installation, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS_OF_A_USER", 1)
    transfer_id = (await seeds.transfer(installation)).transfer_id
    hub.admit(installation.user_id)
    async with page(installation, hub, transfer_id) as seen:
        await seen.next()
        with pytest.raises(Exceeded):
            hub.admit(installation.user_id)
        hub.admit(installation.user_id + 1)
        async with page(installation, hub, transfer_id) as too_many:
            with pytest.raises(StopAsyncIteration):
                await too_many.next()
    hub.admit(installation.user_id)


async def test_an_id_counts_only_with_who_gave_it(hub: Hub) -> None:
    mine = hub.incarnation
    assert hub.after(f"{mine}-5") == 5
    others = ("", "5", f"{mine}", f"{mine}-", f"{mine}-x", f"{mine}-²", "another-5", f"{mine}-{'9' * 16}")
    assert {hub.after(other) for other in others} == {None}


async def test_a_restart_of_the_database_ends_no_stream(
    installation: Installation, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer_id, tries = (await seeds.transfer(installation)).transfer_id, asyncio.Semaphore(0)

    async def away(*_: object) -> None:
        tries.release()
        raise Busy("away")

    async with page(installation, hub, transfer_id) as seen:
        assert (await seen.next()).states == ""
        with monkeypatch.context() as patch, capture_logs() as told:
            patch.setattr(live_topics.days, "version", away)
            patch.setattr(live_topics.backfills, "active", away)
            await asyncio.wait_for(asyncio.gather(*(tries.acquire() for _ in range(4))), 20)
        assert {one["event"]: one.get("exc_info") for one in told} == {"watchers_not_told": None}
        made = await create(installation, transfer_id)
        assert (await seen.next()).progress[0].backfill == made


async def test_while_nothing_may_start_no_end_is_told(installation: Installation, hub: Hub) -> None:
    transfer = await seeds.transfer(installation)
    made = await create(installation, transfer.transfer_id)
    await materialise_all(installation)
    orders = await claim_some(installation, 2)
    installation.pass_time(seconds=10)
    await finish(installation, orders)
    async with page(installation, hub, transfer.transfer_id) as seen:
        await seen.until("q" * 8 + "ll")

        async def eta_after(query: str, **values: object) -> float | None:
            installation.execute(query, **values)
            async with installation.db.write() as tx:
                tx.touch(transfer.transfer_id)
            (told,) = (await seen.next()).progress
            return told.eta_seconds

        assert seen.progress[0].eta_seconds is not None
        until, ended = (micros(installation.now + timedelta(hours=n)) for n in (1, -1))
        assert await eta_after("UPDATE connections SET parked_until = :until", until=until) is None
        assert await eta_after("UPDATE connections SET parked_until = :until", until=ended) is not None
        assert (
            await eta_after("UPDATE backfills SET paused_time = 1 WHERE backfill_id = :id", id=made.backfill_id) is None
        )
