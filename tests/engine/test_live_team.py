"""What whoever watches a team is told: how its active backfills go, and nothing of another team."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from datetime import date

import pytest
from structlog.testing import capture_logs

import seeds
from dayfill.domain.backfill import Backfill
from dayfill.domain.days import DayRange
from dayfill.domain.live import Event, Subject, TeamEvent
from dayfill.engine import backfills, live
from dayfill.engine.live import Hub
from dayfill.engine.live_topics import Topic
from installation import Installation
from worker import work_off

SPAN = DayRange(date(2024, 6, 1), date(2024, 6, 3))
Events = AsyncGenerator[Event | TeamEvent | None, None]


@pytest.fixture
async def hub(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    monkeypatch.setattr(live, "COALESCE_SECONDS", 0.0)
    monkeypatch.setattr(live, "REST", 0)
    monkeypatch.setattr(live, "LOOK_EVERY_SECONDS", 0.02)
    made = Hub(installation.db, replace(installation.server.seams, monotonic=installation.monotonic))
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.wait([running])


async def told(events: Events) -> TeamEvent:
    async with asyncio.timeout(20):
        event = await anext(events)
    assert isinstance(event, TeamEvent)
    return event


async def create(made: Installation, transfer_id: int, team_id: int) -> Backfill:
    async with made.db.write() as tx:
        return await backfills.create(tx, made.server.seams, team_id, made.user_id, transfer_id, SPAN, max_days=10_000)


async def test_a_team_is_told_of_its_backfills_and_of_no_other_teams(
    installation: Installation, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = (await seeds.transfer(installation)).transfer_id
    home, installation.team_id = installation.team_id, await installation.team("Second")
    theirs = (await seeds.transfer(installation, "Theirs")).transfer_id
    second, installation.team_id = installation.team_id, home
    events = hub.watch(installation.user_id, {Subject(home, None): None})
    first = await told(events)
    assert first.progress == ()
    looked, tell = asyncio.Event(), live._tell

    async def telling(topic: Topic) -> None:
        await tell(topic)
        looked.set()

    monkeypatch.setattr(live, "_tell", telling)
    await create(installation, theirs, second)
    await asyncio.wait_for(looked.wait(), 20)
    made = await create(installation, mine, home)
    event = await told(events)
    assert (event.number, [one.backfill for one in event.progress]) == (first.number + 1, [made])
    await work_off(installation)
    while (event := await told(events)).progress[0].backfill.status != "COMPLETED":
        assert [one.backfill.transfer_id for one in event.progress] == [mine]
    await events.aclose()


async def test_what_nobody_watches_is_forgotten_after_a_minute(installation: Installation, hub: Hub) -> None:
    wanted = [
        Subject(installation.team_id, None),
        Subject(installation.team_id, (await seeds.transfer(installation)).transfer_id),
    ]
    for subject in wanted:
        events = hub.watch(installation.user_id, {subject: None})
        await anext(events)
        await events.aclose()
    installation.pass_time(seconds=live.KEPT_SECONDS)
    await hub._look()
    assert [topic.subject for topic in hub._topics()] == [wanted[1], wanted[0]]
    installation.pass_time(seconds=1)
    await hub._look()
    assert not [*hub._topics()]


async def test_a_server_that_stops_lets_go_of_who_waits(installation: Installation, hub: Hub) -> None:
    events = hub.watch(installation.user_id, {Subject(installation.team_id, None): None})
    await told(events)
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)  # it begins to wait
    hub.close()
    assert await asyncio.wait_for(waiting, 20) is None
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_who_comes_later_begins_with_the_whole_and_a_turn_that_failed_is_made_up_for(
    installation: Installation, hub: Hub
) -> None:
    team = Subject(installation.team_id, None)
    events, late = (hub.watch(installation.user_id, {team: None}) for _ in range(2))
    first = await told(events)
    assert (await told(late)).number == first.number
    hub._teams[installation.team_id].forget()
    hub._touched({99: None})  # a transfer of somebody else
    assert (await told(events)).number == first.number + 1


async def test_who_watches_a_team_is_told_of_what_another_process_has_changed(
    installation: Installation, hub: Hub
) -> None:
    """On the next look, since no commit of this process says so."""
    await seeds.transfer(installation)
    events = hub.watch(installation.user_id, {Subject(installation.team_id, None): None})
    first = await told(events)
    installation.execute("UPDATE transfers SET days_version = days_version + 1")
    assert (await told(events)).number == first.number + 1
    await events.aclose()


async def test_a_turn_that_fails_is_logged_and_the_next_one_tells_the_whole(
    installation: Installation, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer_id = (await seeds.transfer(installation)).transfer_id
    events = hub.watch(installation.user_id, {Subject(installation.team_id, None): None})
    await told(events)
    failed, tell = asyncio.Event(), live._tell

    async def failing(topic: Topic) -> None:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("planted")
        await tell(topic)

    monkeypatch.setattr(live, "_tell", failing)
    with capture_logs() as lines:
        made = await create(installation, transfer_id, installation.team_id)
        event = await told(events)
    assert [one.backfill for one in event.progress] == [made]
    assert [(one["event"], one["exc_info"]) for one in lines] == [("watchers_not_told", True)]
