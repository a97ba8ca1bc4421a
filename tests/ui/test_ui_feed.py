"""The stream of a transfer's page on a real connection: what it says, where it goes on, and when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
import scenes
from browsing import Browser

import seeds
from dayfill.app import site_of
from dayfill.domain.days import DayRange, DayState
from dayfill.domain.live import Event, Progress, Subject, TeamEvent
from dayfill.engine import backfills, live, transfers
from dayfill.engine.live import Hub
from dayfill.store import backfills as stored
from dayfill.ui import feed
from dayfill.ui.asgi import Ui
from installation import NOON, Installation
from served import served
from worker import claim_some, finish, materialise_all

Told = tuple[str, str, dict[str, Any]]
SPAN = DayRange(NOON.date().replace(day=1), NOON.date().replace(day=3))


@dataclass
class Page:
    """A signed-in browser's address and cookies, and a transfer."""

    url: str
    cookies: dict[str, str]
    transfer_id: int

    @asynccontextmanager
    async def stream(self, last: str = "", more: str = "", packed: str = "gzip") -> AsyncIterator[AsyncIterator[Told]]:
        """Its events as (id, name, data)."""
        wanted = f"{self.transfer_id}.{last}{more}"
        async with (
            httpx.AsyncClient(cookies=self.cookies, headers={"Accept-Encoding": packed}) as client,
            client.stream("GET", f"{self.url}/events/{wanted}") as response,
        ):
            assert response.status_code == 200
            assert response.headers["cache-control"] == "no-store"
            assert response.headers["x-accel-buffering"] == "no"
            assert response.headers.get("content-encoding", "identity") == packed
            yield told(response.aiter_lines())


async def told(lines: AsyncIterator[str]) -> AsyncIterator[Told]:
    found: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(":")
        if line:
            found[name] = value.strip()
        elif found.get("event"):
            yield found.get("id", ""), found["event"], json.loads(found["data"] or "{}")
            found = {}


@pytest.fixture
async def page(installation: Installation, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    monkeypatch.setattr(live, "COALESCE_SECONDS", 0.0)
    monkeypatch.setattr(live, "REST", 0)
    monkeypatch.setattr(live, "LOOK_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(feed, "BEAT_SECONDS", 0.1)
    hub = Hub(installation.db, installation.server.seams)
    installation.server = replace(installation.server, hub=hub)
    running = asyncio.create_task(hub.run())
    transfer = await seeds.transfer(installation)
    async with served(installation, Ui(site_of(installation.server, False))) as url:
        yield Page(url, dict(browser.cookies), transfer.transfer_id)
        hub.close()
    running.cancel()


async def work(installation: Installation, transfer_id: int) -> None:
    """Three days, loaded."""
    async with installation.db.write() as tx:
        who = installation.team_id, installation.user_id
        await backfills.create(tx, installation.server.seams, *who, transfer_id, SPAN, max_days=10)
    await materialise_all(installation)
    await finish(installation, await claim_some(installation))


async def test_days_move_from_the_first_to_the_last(installation: Installation, page: Page) -> None:
    async with asyncio.timeout(20), page.stream() as events:
        assert (await anext(events))[1:] == ("beat", {})
        data = {"t": page.transfer_id, "c": {}, "b": [], "start": None, "states": ""}
        assert (await anext(events))[1:] == ("full", data)
        await work(installation, page.transfer_id)
        number = ""
        async for seen, name, told in events:
            if name != "beat":
                number, data = seen, told
            elif data["c"] == {"l": 3} and data["b"][0]["status"] == "COMPLETED":
                break  # nothing has come after it for a while
    assert (data["b"][0]["pct"], data["b"][0]["queued"]) == (100.0, 0)
    async with asyncio.timeout(20), page.stream(number) as events:
        assert [(await anext(events))[1] for _ in range(3)] == ["beat"] * 3, "what it has seen is not told again"


async def test_a_quiet_stream_beats(page: Page) -> None:
    async with asyncio.timeout(20), page.stream() as events:
        assert [(await anext(events))[1] for _ in range(3)] == ["beat", "full", "beat"]


async def test_who_takes_no_gzip_is_told_the_same(page: Page) -> None:
    async with asyncio.timeout(20), page.stream(packed="identity") as events:
        assert [(await anext(events))[1] for _ in range(2)] == ["beat", "full"]


async def test_a_quarter_of_a_second_of_500_changes_a_second_fits_into_10_kb_a_second(
    installation: Installation,
) -> None:
    transfer = await seeds.transfer(installation)
    active = await stored.get(installation.db, 1, await scenes.backfill(installation, transfer.transfer_id, SPAN))
    assert active is not None

    async def events() -> AsyncGenerator[bytes, None]:
        for number in range(40):
            backfill = active._replace(total=9_960, completed=63 * number, running=64, rows_total=6_300 * number)
            progress = (Progress(backfill, 15_000.4 + number, 300.0 - number),)
            days = range(9_999 - 63 * number, 9_999 - 63 * number - 126, -1)
            moved = tuple((at, DayState.LOADED if at % 2 else DayState.RUNNING) for at in days)
            counts = dict.fromkeys(DayState, number)
            yield feed.text("1a2b3c4d", Event(number, Subject(1, 7), 1, None, None, moved, counts, progress))
            yield feed.text("1a2b3c4d", TeamEvent(number, Subject(1, None), progress))

    sizes = [len(packed) async for packed in feed._packed(events())]
    assert len(sizes) == 80
    assert 4 * sum(sizes) / 40 <= 3_000, "bytes a second; the parts that are read again have the rest"


async def test_one_stream_tells_of_several_transfers_and_of_the_team(installation: Installation, page: Page) -> None:
    second = (await seeds.transfer(installation, "Second")).transfer_id
    async with asyncio.timeout(20), page.stream(more=f",{second},team") as events:
        await work(installation, second)
        seen: dict[object, dict[str, Any]] = {}
        async for _, name, data in events:
            seen[data.get("t", name)] = data
            if seen.get(second, {}).get("c") == {"l": 3} and seen["team"]["b"]:
                break
    assert seen[page.transfer_id]["c"] == {}
    assert seen["team"]["b"][0]["t"] == second and "c" not in seen["team"]


async def test_a_team_hears_of_its_own_transfers_alone(installation: Installation, page: Page) -> None:
    other = await seeds.transfer(installation, "Other")
    installation.execute(
        "UPDATE transfers SET team_id = :team WHERE display_name = 'Other'", team=await installation.team("Second")
    )
    async with asyncio.timeout(20), httpx.AsyncClient(cookies=page.cookies) as client:
        async with client.stream("GET", f"{page.url}/events/team,{other.transfer_id}") as response:
            events = told(response.aiter_lines())
            assert (await anext(events))[1:] == ("gone", {"t": other.transfer_id})
            assert (await anext(events))[1:] == ("team", {"b": []})
            async with installation.db.write() as tx:
                tx.touch(other.transfer_id)
            assert (await anext(events))[1] == "beat"
            async with installation.db.write() as tx:
                tx.touch(page.transfer_id)
            assert "team" in [(await anext(events))[1] for _ in range(5)]


async def test_a_deleted_transfer_is_told_to_be_gone(installation: Installation, page: Page) -> None:
    async with asyncio.timeout(20), page.stream() as events:
        assert [(await anext(events))[1] for _ in range(2)] == ["beat", "full"]
        async with installation.db.write() as tx:
            who = installation.team_id, installation.user_id
            await transfers.delete(tx, installation.server.seams, *who, page.transfer_id)
        assert [one async for one in events][-1] == ("", "gone", {"t": page.transfer_id})


@pytest.mark.parametrize("wanted", ["", "x", "1,,2", "-1", "²", ",".join(str(n) for n in range(1, 52))])
async def test_what_cannot_be_watched_is_refused(browser: Browser, wanted: str) -> None:
    answer = await browser.open(f"/events/{wanted}")
    assert answer.status_code in (400, 404) and answer.headers["content-type"].startswith("text/html")


async def test_it_ends_when_the_session_does(
    installation: Installation, page: Page, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "CHECK_EVERY_SECONDS", 0.0)
    async with asyncio.timeout(20), page.stream() as events:
        assert [(await anext(events))[1] for _ in range(2)] == ["beat", "full"]
        await browser.submit("/sign-out")
        assert {name for _, name, _ in [one async for one in events]} <= {"beat"}


async def test_it_is_closed_to_who_is_not_signed_in(page: Page) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{page.url}/events/{page.transfer_id}")
    assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


async def test_a_page_too_many_hears_that_it_is_not_its_address_that_asks_too_often(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS_OF_A_USER", 0)
    answer = await browser.open("/events/team")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_a_head_of_it_ends_at_once(page: Page) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient(cookies=page.cookies) as client:
        answer = await client.head(f"{page.url}/events/{page.transfer_id}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
