"""The live stream on a real connection: what it says, where it goes on, and when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

import seeds
from dayfill.api import events
from dayfill.domain.access import Role
from dayfill.engine import keys, live
from dayfill.engine.live import Hub
from installation import Installation
from served import served
from worker import work_off

SPAN = {"range_start": "2024-06-01", "range_end": "2024-06-03"}


@pytest.fixture
async def url(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Where the installation answers, with a hub that works."""
    monkeypatch.setattr(live, "COALESCE_SECONDS", 0.0)
    monkeypatch.setattr(live, "REST", 0)
    monkeypatch.setattr(live, "LOOK_EVERY_SECONDS", 0.02)
    hub = Hub(installation.db, installation.server.seams)
    installation.server = replace(installation.server, hub=hub)
    running = asyncio.create_task(hub.run())
    async with served(installation) as address:
        yield f"{address}/x/v1/teams/{installation.team_id}/events"
        hub.close()
    running.cancel()


class Stream:
    """Reads messages as (id, event, data)."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, str, dict[str, Any]]:
        async with asyncio.timeout(20):
            found: dict[str, str] = {}
            async for line in self._lines:
                name, _, value = line.partition(": ")
                found |= {name: value} if value else {}
                if not line and "data" in found:
                    return found["id"], found["event"], json.loads(found["data"])
                if not line:
                    found.clear()
        raise EOFError

    async def until_end(self) -> None:
        with pytest.raises(EOFError):
            while True:
                await self.next()


@asynccontextmanager
async def opened(url: str, key: str, **more: object) -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}  # type: ignore[dict-item]
    async with httpx.AsyncClient() as client, client.stream("GET", url, headers=headers, params=more) as response:
        yield Stream(response)


async def test_a_backfill_is_seen_from_its_first_day_to_its_last(installation: Installation, url: str) -> None:
    transfer_id = (await seeds.transfer(installation)).transfer_id
    async with opened(url, installation.key, transfer_id=transfer_id) as stream:
        headers = stream.response.headers
        assert headers["content-type"] == "text/event-stream"
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
        assert (await stream.next())[1:] == (
            "full",
            {
                "transfer_id": transfer_id,
                "version": 0,
                "states": "",
                "counts": {"loaded": 0, "stale": 0, "failed": 0, "running": 0, "queued": 0, "missing": 0},
                "backfills": [],
            },
        )
        path = f"/teams/{installation.team_id}/transfers/{transfer_id}/backfills"
        await installation.client().post(path, json=SPAN)
        await work_off(installation)
        states, status = "", ""
        while status != "COMPLETED":
            last, name, data = await stream.next()
            states = data["states"] if name == "full" else moved(states, data["d"])
            for progress in data[
                "backfills" if name == "full" else "b"
            ]:  # none yet where the transfer itself was touched
                status = progress["status"]
        assert (states, progress["completed"], progress["total"]) == ("lll", 3, 3)
    async with opened(url, installation.key, transfer_id=transfer_id, headers={"Last-Event-ID": last}) as stream:
        installation.execute("UPDATE transfer_days SET settled = 's'")
        async with installation.db.write() as tx:
            tx.touch(transfer_id, ["2024-06-02"])
        assert (await stream.next())[2]["d"] == "1s"
    async with opened(url, installation.key, backfill_id=1, headers={"Last-Event-ID": "another-1"}) as stream:
        assert (await stream.next())[1] == "full"


def moved(states: str, tokens: str) -> str:
    known = list(states)
    for token in tokens.split():
        known[int(token[:-1], 16)] = token[-1]
    return "".join(known)


async def test_a_key_that_is_disabled_stops_reading(
    installation: Installation, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "CHECK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(live, "QUIET_SECONDS", 0.02)
    transfer_id = (await seeds.transfer(installation)).transfer_id
    _, key = await installation.user(installation.team_id, Role.VIEWER)
    async with opened(url, key, transfer_id=transfer_id) as stream:
        await stream.next()
        async with installation.db.write() as tx:
            await keys.disable(tx, installation.team_id, f"apk_{key[4:12]}")
        await stream.until_end()


async def test_one_stream_too_many_is_refused(
    installation: Installation, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS_OF_A_USER", 1)
    transfer_id = (await seeds.transfer(installation)).transfer_id
    async with opened(url, installation.key, transfer_id=transfer_id) as stream:
        await stream.next()
        async with opened(url, installation.key, transfer_id=transfer_id) as second:
            assert (second.response.status_code, second.response.headers["retry-after"]) == (429, "5")


@pytest.mark.parametrize(
    ("query", "status"),
    [({}, 400), ({"transfer_id": "x"}, 400), ({"transfer_id": 99}, 404), ({"backfill_id": 99}, 404)],
)
async def test_there_must_be_something_to_watch(
    installation: Installation, query: dict[str, object], status: int
) -> None:
    answer = await installation.client().get(f"/x/v1/teams/{installation.team_id}/events", params=query)
    assert answer.status_code == status
