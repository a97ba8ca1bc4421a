"""Of several servers one dispatches; who has lost its place cannot write, and who hangs is put out of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from dayfill.errors import Busy, NotLeading
from dayfill.store.db import Database, Touched
from dayfill.store.postgresql import PostgresDatabase, leading
from dayfill.store.postgresql.statements import STATEMENTS
from postgres_server import sql
from postgres_state import PostgresState

STATES = ["postgresql"]
SERVERS = 2


@pytest.fixture(autouse=True)
def no_moment_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of the tests may have started just now."""
    monkeypatch.setattr(leading, "RETURN_SECONDS", 0.0)


@pytest.fixture
async def servers(state: PostgresState) -> AsyncIterator[list[PostgresDatabase]]:
    made = [await state.open() for _ in range(SERVERS)]
    yield made
    for one in made:
        await one.close()


async def add(db: Database, name: str = "a") -> None:
    async with db.write() as tx:
        await tx.one("insert_team", name=name, created_time=1)


def put_out(state: PostgresState) -> None:
    """The session of whoever dispatches ends, as when its machine dies."""
    sql(state.dsn, "SELECT pg_terminate_backend(backend_pid::int) FROM dispatching")


async def test_one_writes_until_it_goes_and_then_the_other(servers: list[PostgresDatabase]) -> None:
    one, two = servers
    await add(one.leading())
    with pytest.raises(NotLeading):
        await add(two.leading())
    await add(two)
    await add(one.leading())
    await one.close()
    await add(two.leading())
    assert len(await two.all("list_teams")) == 4


async def test_a_claim_is_planned_once(servers: list[PostgresDatabase]) -> None:
    lanes = [{"transfer_id": 1, "priority": 1, "now": 1, "limit": 8}]
    async with servers[0].leading().write() as tx:
        for _ in range(20):
            await tx.many("claimable_runs", lanes)
    connection = servers[0]._leader._connection
    assert connection is not None
    plans = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement = $1"
    assert tuple(await connection.fetchrow(plans, STATEMENTS["claimable_runs"].text)) == (0, 20)


async def test_who_has_lost_its_place_writes_nothing(servers: list[PostgresDatabase], state: PostgresState) -> None:
    one, two = servers
    await add(one.leading())
    with pytest.raises(Busy, match="does not answer"):
        async with one.leading().write() as tx:
            await tx.one("insert_team", name="late", created_time=1)
            put_out(state)
    await add(two.leading(), "two")
    with pytest.raises(NotLeading):
        await add(one.leading(), "late")
    assert [row[1] for row in await two.all("list_teams")] == ["a", "two"]


async def test_who_comes_back_first_goes_on(servers: list[PostgresDatabase], state: PostgresState) -> None:
    one, two = servers
    await add(one.leading())
    put_out(state)
    with pytest.raises(Busy):
        await add(one.leading())
    await add(one.leading())
    with pytest.raises(NotLeading):
        await add(two.leading())


async def test_after_a_restart_the_one_before_has_a_moment_to_come_back(
    servers: list[PostgresDatabase], state: PostgresState, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = servers
    await add(one.leading())
    put_out(state)
    monkeypatch.setattr(leading, "RETURN_SECONDS", 1e6)  # PostgreSQL has started less than that ago
    with pytest.raises(NotLeading):
        await add(two.leading())
    monkeypatch.setattr(leading, "RETURN_SECONDS", 0.0)
    await add(two.leading())


async def test_who_says_nothing_for_long_is_put_out(servers: list[PostgresDatabase], state: PostgresState) -> None:
    one, two = servers
    await add(one.leading())
    sql(state.dsn, "UPDATE dispatching SET beat_at = beat_at - interval '29 s'")
    with pytest.raises(NotLeading):
        await add(two.leading())
    await add(one.leading())
    sql(state.dsn, "UPDATE dispatching SET beat_at = beat_at - interval '2 s'")
    async with asyncio.timeout(30):
        while True:
            try:
                await add(two.leading(), "two")
                break
            except NotLeading:  # once, for the session is ended first
                await asyncio.sleep(0.01)
    with pytest.raises((Busy, NotLeading)):
        await add(one.leading())


async def test_it_says_again_and_again_that_it_is_alive(
    servers: list[PostgresDatabase], state: PostgresState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "BEAT_SECONDS", 0.01)
    await add(servers[0].leading())
    beat = "SELECT beat_at FROM dispatching"
    first = sql(state.dsn, beat)
    for _ in range(3000):
        if sql(state.dsn, beat) != first:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it says nothing")


async def test_a_commit_is_told_to_the_other_servers(servers: list[PostgresDatabase]) -> None:
    one, two = servers
    heard: asyncio.Queue[Touched] = asyncio.Queue()
    woken, own = asyncio.Event(), asyncio.Event()
    two.on_commit(heard.put_nowait)
    two.on_others(woken.set)
    one.on_others(own.set)
    await asyncio.wait_for(asyncio.gather(woken.wait(), own.wait()), 30)  # each has begun to listen
    woken.clear()
    own.clear()
    async with one.write() as tx:
        tx.touch(7, ["2024-06-01"])
        tx.touch(8, None)
    assert await asyncio.wait_for(heard.get(), 30) == {7: {"2024-06-01"}, 8: None}
    await asyncio.wait_for(woken.wait(), 30)
    async with one.write() as tx:
        for number in range(2000):
            tx.touch(number, [f"2024-06-{day:02}" for day in range(1, 30)])
    await asyncio.wait_for(woken.wait(), 30)
    assert not own.is_set(), "a server knows of its own commits"
