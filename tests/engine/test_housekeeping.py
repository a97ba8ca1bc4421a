"""What a server does once a minute: note the use of keys, and drop what has passed its age."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from dayfill.domain.audit import OPERATOR, Act
from dayfill.engine import audit, housekeeping
from dayfill.engine.housekeeping import Housekeeper
from dayfill.store import keys
from installation import Installation


def housekeeper(made: Installation) -> Housekeeper:
    return Housekeeper(made.db, made.server.seams, made.server.used_keys, 400)


async def last_used(made: Installation) -> object:
    [key] = await keys.page(made.db, made.team_id)
    return key.last_used_time


async def test_a_use_is_noted_once_a_minute_and_by_no_request(installation: Installation) -> None:
    client, path = installation.client(), f"/teams/{installation.team_id}/backfills"
    writes = installation.db.write
    installation.db.write = None  # type: ignore[assignment]  # no request may open a transaction
    for _ in range(3):
        assert (await client.get(path)).status_code == 200
    installation.db.write = writes  # type: ignore[method-assign]
    assert await last_used(installation) is None
    installation.pass_time(minutes=1)
    keeper = housekeeper(installation)
    await keeper.tidy()
    assert await last_used(installation) == installation.now
    noted = installation.now
    installation.pass_time(minutes=1)
    await keeper.tidy()
    assert await last_used(installation) == noted


async def test_a_key_that_was_refused_was_not_used(installation: Installation) -> None:
    installation.execute("UPDATE api_keys SET is_enabled = 0")
    assert (await installation.client().get(f"/teams/{installation.team_id}/backfills")).status_code == 403
    await housekeeper(installation).tidy()
    assert await last_used(installation) is None


async def record(made: Installation, count: int) -> None:
    async with made.db.write() as tx:
        for n in range(count):
            await audit.record(tx, OPERATOR, made.team_id, Act("team.create", n), made.now)


async def test_rows_are_dropped_by_age_in_small_batches(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(housekeeping, "MOST_BATCHES", 3)
    await record(installation, 7)
    installation.pass_time(days=400)
    await record(installation, 1)
    keeper = housekeeper(installation)
    await keeper.tidy()
    assert installation.execute("SELECT count(*) FROM audit") == [(8,)]
    installation.now += timedelta(microseconds=1)
    await keeper.tidy()
    assert installation.execute("SELECT object FROM audit ORDER BY 1") == [("team:0",), ("team:6",)]
    await keeper.tidy()
    assert installation.execute("SELECT audit_id, object FROM audit") == [(8, "team:0")]


async def test_it_goes_on_whatever_happens_and_notes_the_last_uses_when_it_is_stopped(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "EVERY_SECONDS", 0.0)
    keeper, again = housekeeper(installation), asyncio.Event()
    passes = iter([RuntimeError("no state"), None])

    async def tidy() -> None:
        match next(passes, again):
            case Exception() as error:
                raise error
            case asyncio.Event() as event:
                event.set()

    monkeypatch.setattr(keeper, "tidy", tidy)
    task = asyncio.create_task(keeper.run())
    await asyncio.wait_for(again.wait(), 30)
    monkeypatch.undo()
    installation.server.used_keys.add(f"apk_{installation.key[4:12]}")
    task.cancel()
    await asyncio.wait([task])
    assert await last_used(installation) == installation.now
