"""The state in PostgreSQL: whole transactions or nothing, one writer over all servers, and a writer that survives."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest

from dayfill.errors import Busy, SetupError
from dayfill.seams import system_seams
from dayfill.store.postgresql import PostgresDatabase, connecting
from dayfill.store.postgresql.connecting import connect
from dayfill.store.postgresql.statements import STATEMENTS, translated
from dayfill.store.postgresql.writing import WRITE_LOCK
from dayfill.store.queries import QUERIES, of_postgresql
from postgres_server import own_server
from postgres_state import PostgresState

MEMBER = {"name": "a", "created_time": 1}

STATES = ["postgresql"]
SEAMS = system_seams()


@pytest.fixture
async def db(state: PostgresState) -> AsyncIterator[PostgresDatabase]:
    made = await state.open()
    yield made
    await made.close()


async def add(db: PostgresDatabase) -> None:
    async with db.write() as tx:
        await tx.one("insert_team", **MEMBER)


async def teams(db: PostgresDatabase) -> int:
    return len(await db.scan("list_teams"))


async def test_a_change_is_seen_by_others_only_once_it_is_committed(db: PostgresDatabase) -> None:
    async with db.write() as tx:
        await tx.one("insert_team", **MEMBER)
        assert (len(await tx.all("list_teams")), await teams(db)) == (1, 0)
    assert await teams(db) == 1


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), asyncio.CancelledError()], ids=repr)
async def test_an_exception_rolls_everything_back(db: PostgresDatabase, error: BaseException) -> None:
    with pytest.raises(type(error)):
        async with db.write() as tx:
            await tx.one("insert_team", **MEMBER)
            raise error
    assert await teams(db) == 0
    await add(db)
    assert await teams(db) == 1


async def test_a_change_of_which_a_statement_failed_is_never_taken_for_kept(db: PostgresDatabase) -> None:
    with pytest.raises(AssertionError, match="nothing of it was kept"):
        async with db.write() as tx:
            await tx.one("insert_team", **MEMBER)
            with suppress(asyncpg.ForeignKeyViolationError):
                await tx.many("own_table", [{"location": "a", "table_name": "b", "transfer_id": 99}])
    assert await teams(db) == 0
    await add(db)


async def test_a_change_of_many_returns_what_each_returns(db: PostgresDatabase) -> None:
    async with db.write() as tx:
        assert [row[0] for row in await tx.many("insert_team", [MEMBER, MEMBER])] == [1, 2]
        assert await tx.many("insert_team", []) == []
        assert await tx.run("lift_tokens", at_least=-1) == 0


async def test_writers_of_two_servers_take_turns(db: PostgresDatabase, state: PostgresState) -> None:
    """What one has read cannot have changed when it writes: counted up from what was read, none is lost."""
    other, rounds = await state.open(), 10

    async def count(server: PostgresDatabase) -> None:
        for _ in range(rounds):
            async with server.write() as tx:
                name = str(len(await tx.all("list_teams")))
                await tx.one("insert_team", name=name, created_time=1)

    await asyncio.gather(count(db), count(other), count(db))
    names = [row[1] for row in await db.all("list_teams")]
    assert names == [str(n) for n in range(3 * rounds)]
    await other.close()


async def test_a_write_does_not_wait_for_ever(
    db: PostgresDatabase, state: PostgresState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connecting._SETTINGS, "lock_timeout", "20ms")
    blocker = await connect(state.dsn)
    await blocker.execute(f"SELECT pg_advisory_lock({WRITE_LOCK})")
    with pytest.raises(Busy, match="Another server is writing") as busy:
        await add(db)
    assert (busy.value.retry_after, await teams(db)) == (1, 0)
    await blocker.close()
    await add(db)
    assert await teams(db) == 1


@pytest.mark.parametrize("place", ["statement", "commit"])
async def test_a_task_cancelled_while_it_writes_leaves_the_connection_usable(
    db: PostgresDatabase, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    await add(db)
    at = asyncio.Event()
    real = db._writer._end

    async def slow(*args: object) -> None:
        at.set()
        await asyncio.sleep(0)
        await real(*args)  # type: ignore[arg-type]

    async def writer() -> None:
        async with db.write() as tx:
            await tx.one("insert_team", **MEMBER)
            if place == "commit":
                monkeypatch.setattr(db._writer, "_end", slow)
                return
            at.set()
            await tx._connection.execute("SELECT pg_sleep(30)")  # type: ignore[attr-defined]

    task = asyncio.create_task(writer())
    await at.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    monkeypatch.undo()
    assert task.cancelled()
    assert await teams(db) == (2 if place == "commit" else 1), "what was committed is committed"
    await add(db)


_UNTIL_ANOTHER_SLEEPS = """
DO $$ BEGIN
  WHILE NOT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE wait_event = 'PgSleep' AND datname = current_database() AND pid <> pg_backend_pid())
  LOOP
    PERFORM pg_sleep(0.01);
    PERFORM pg_stat_clear_snapshot();
  END LOOP;
END $$"""


async def test_a_statement_whose_connection_is_gone_holds_nobody_up(db: PostgresDatabase) -> None:
    await add(db)

    async def writer() -> None:
        async with db.write() as tx:
            await tx._connection.execute("SELECT pg_sleep(30)")  # type: ignore[attr-defined]

    task = asyncio.create_task(writer())
    async with db._readers.acquire() as other:
        await other.execute(_UNTIL_ANOTHER_SLEEPS)
    assert db._writer._connection is not None
    db._writer._connection.terminate()
    await asyncio.wait([task])
    assert task.exception() is not None
    await add(db)


async def test_a_snapshot_is_one_moment(db: PostgresDatabase) -> None:
    async with db.snapshot() as moment:
        assert await moment.all("list_teams") == []
        await add(db)
        assert await moment.scan("list_teams") == []
    assert await teams(db) == 1


async def test_a_read_and_a_write_get_over_a_restart() -> None:
    with own_server() as server:
        db = await PostgresDatabase.open(server.dsn(), SEAMS)
        await add(db)
        server.stop("immediate")
        with pytest.raises(Busy, match="does not answer") as busy:
            await teams(db)
        assert busy.value.retry_after
        with pytest.raises(Busy, match="does not answer"):
            await add(db)
        server.start()
        assert await teams(db) == 1
        await add(db)
        assert await teams(db) == 2
        await db.close()


async def test_a_text_is_kept_without_its_nul(db: PostgresDatabase) -> None:
    async with db.write() as tx:
        row = await tx.one("insert_team", name="a\0b", created_time=1)
    assert row is not None and row[1] == "a\ufffdb"


async def test_every_query_is_one_that_postgresql_understands(db: PostgresDatabase) -> None:
    """And each value has a type that Python's fit: whole numbers of 64 bits, texts, bytes."""
    async with db._readers.acquire() as connection:
        for name, statement in STATEMENTS.items():
            prepared = await connection.prepare(statement.text)
            odd = {one.type.name for one in prepared.get_attributes()} - {"int8", "int4", "text", "bytea", "float8"}
            assert not odd, f"{name} returns {odd}"
            taken = {one.name.removesuffix("[]") for one in prepared.get_parameters()}
            assert taken <= {"int8", "int4", "text", "bytea", "json"}, f"{name} takes {taken}"


def test_an_override_takes_what_the_query_takes(state: PostgresState) -> None:
    for name, query in of_postgresql().items():
        mine, shared = translated(query.text), translated(QUERIES[name].text)
        assert set(mine.names) == set(shared.names), name


@pytest.mark.parametrize(
    ("dsn", "says"),
    [
        ("postgresql://me:S3cret@127.0.0.1:1/x", "cannot be reached"),
        ("postgresql://me:S3cret@127.0.0.1:port/x", "cannot be read"),
        ("{server}/nowhere_{unique}?host={host}", "does not exist"),
    ],
)
async def test_what_stands_in_the_way_is_said_without_the_password(state: PostgresState, dsn: str, says: str) -> None:
    place = state.dsn.partition("?host=")[2]
    wanted = dsn.format(server="postgresql://postgres:S3cret@", host=place, unique=uuid.uuid4().hex)
    with pytest.raises(SetupError, match=says) as refused:
        await PostgresDatabase.open(wanted, SEAMS)
    assert "S3cret" not in repr(refused.value) + str(refused.value.__cause__)
