"""The state file: whole transactions or nothing, one writer, and a writer that survives whatever its callers do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw
import pytest

from dayfill.errors import Busy, SetupError
from dayfill.store import sqlite
from dayfill.store.migrations import migrate_sqlite
from dayfill.store.sqlite import Answer, SqliteDatabase, SqliteTx

MEMBER = {"name": "a", "created_time": 1}


async def add(db: SqliteDatabase) -> None:
    async with db.write() as tx:
        await tx.one("insert_team", **MEMBER)


async def teams(db: SqliteDatabase) -> int:
    """How many teams another reader sees."""
    return len(await db.scan("list_teams"))


@contextmanager
def other_process(path: Path) -> Iterator[None]:
    """Another connection holds the write lock."""
    other = apsw.Connection(str(path / "state.db"))
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.mark.parametrize("connection", ["_reader", "_writer", "_scanner"])
async def test_every_connection_is_durable_and_checks_keys(db: SqliteDatabase, connection: str) -> None:
    opened: apsw.Connection = getattr(db, connection)
    assert [opened.pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys")] == ["wal", 2, 1]


async def test_a_change_is_seen_by_others_only_once_it_is_committed(db: SqliteDatabase) -> None:
    async with db.write() as tx:
        await tx.one("insert_team", **MEMBER)
        assert (len(await tx.all("list_teams")), len(await db.all("list_teams")), await teams(db)) == (1, 0, 0)
    assert (len(await db.all("list_teams")), await teams(db)) == (1, 1)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), asyncio.CancelledError()], ids=repr)
async def test_an_exception_rolls_everything_back(db: SqliteDatabase, error: BaseException) -> None:
    with pytest.raises(type(error)):
        async with db.write() as tx:
            await tx.one("insert_team", **MEMBER)
            raise error
    assert await teams(db) == 0
    await add(db)
    assert await teams(db) == 1


async def test_a_failing_statement_rolls_the_others_back(db: SqliteDatabase) -> None:
    with pytest.raises(apsw.ConstraintError):
        async with db.write() as tx:
            await tx.one("insert_team", **MEMBER)
            await tx.many("own_table", [{"location": "a", "table_name": "b", "transfer_id": 99}])
    assert await teams(db) == 0
    await add(db)


async def test_writers_take_turns(db: SqliteDatabase) -> None:
    order: list[str] = []

    async def writer(name: str) -> None:
        async with db.write() as tx:
            order.append(name)
            await tx.one("insert_team", **MEMBER)
            await asyncio.sleep(0)
            order.append(name)

    await asyncio.gather(*(writer(name) for name in "abcd"))
    assert order == [name for name in "abcd" for _ in range(2)]
    assert await teams(db) == 4


async def test_a_change_of_many_returns_what_each_returns(db: SqliteDatabase) -> None:
    async with db.write() as tx:
        assert [row[0] for row in await tx.many("insert_team", [MEMBER, MEMBER])] == [1, 2]
        assert await tx.many("insert_team", []) == []
        assert await tx.run("days_changed", transfer_id=7) == 0


async def cancelled_in(db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, place: str, times: int) -> None:
    """Cancel a task while the writer thread works for it."""
    started, go = asyncio.Event(), asyncio.Event()
    real, loop = sqlite.SqliteTx._in_thread, asyncio.get_running_loop()

    async def slow(tx: sqlite.SqliteTx, work: object) -> object:
        def waiting() -> object:
            loop.call_soon_threadsafe(started.set)
            asyncio.run_coroutine_threadsafe(go.wait(), loop).result(10)
            return work()  # type: ignore[operator]

        return await real(tx, waiting)

    async def writer() -> None:
        async with db.write() as tx:
            if place == "commit":
                await tx.one("insert_team", **MEMBER)
                monkeypatch.setattr(sqlite.SqliteTx, "_in_thread", slow)
                return
            monkeypatch.setattr(sqlite.SqliteTx, "_in_thread", slow)
            await tx.many("insert_team", [MEMBER])

    task = asyncio.create_task(writer())
    await started.wait()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done(), "the connection is let go while a statement runs on it"
    go.set()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    monkeypatch.undo()


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(("place", "left"), [("statement", 0), ("commit", 1)])
async def test_a_task_cancelled_while_it_writes_leaves_the_connection_usable(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, place: str, left: int, times: int
) -> None:
    await cancelled_in(db, monkeypatch, place, times)
    assert await teams(db) == left
    await add(db)
    assert await teams(db) == left + 1


async def test_a_task_cancelled_while_it_waits_for_the_lock_leaves_no_transaction(
    db: SqliteDatabase, tmp_path: Path
) -> None:
    with other_process(tmp_path):
        task = asyncio.create_task(add(db))
        for _ in range(20):  # until it waits in the writer's thread
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
    with suppress(asyncio.CancelledError):
        await task
    assert not db._writer.in_transaction
    await add(db)
    assert await teams(db) == 1


async def test_a_write_waits_for_another_process(db: SqliteDatabase, tmp_path: Path) -> None:
    with other_process(tmp_path):
        task = asyncio.create_task(add(db))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not task.done()
        assert await teams(db) == 0
    await task
    assert await teams(db) == 1


async def test_it_does_not_wait_for_ever(db: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 20)
    with other_process(tmp_path):
        with pytest.raises(Busy, match="Another process is writing") as busy:
            await add(db)
        assert busy.value.retry_after == 1
        assert await db.all("list_teams") == []
    await add(db)
    assert await teams(db) == 1


async def test_all_who_wait_in_a_row_wait_no_longer_than_one(
    db: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience: list[int] = []

    class Watched(SqliteTx):
        async def _in_thread(self, work: Callable[[], Answer]) -> Answer:
            patience.append(db._writer.pragma("busy_timeout"))
            return await super()._in_thread(work)

    monkeypatch.setattr(sqlite, "SqliteTx", Watched)
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 200)
    with other_process(tmp_path):
        ends = await asyncio.gather(*(add(db) for _ in range(4)), return_exceptions=True)
    assert [type(end) for end in ends] == [Busy] * 4
    assert sum(patience) < 2 * 200 and patience[-1] < patience[0]


async def test_a_full_disk_is_told_in_clear_words_and_with_room_it_goes_on(db: SqliteDatabase) -> None:
    db._writer.execute("PRAGMA max_page_count = 1")  # no page more than there is
    with pytest.raises(Busy, match="is full, or failing"):
        async with db.write() as tx:
            for _ in range(10_000):
                await tx.one("insert_team", **MEMBER)
    assert await teams(db) == 0
    db._writer.execute("PRAGMA max_page_count = 1000000")
    await add(db)
    assert await teams(db) == 1


async def test_a_close_waits_for_the_write_under_way(tmp_path: Path) -> None:
    migrate_sqlite(tmp_path / "state.db")
    db = SqliteDatabase(tmp_path / "state.db")
    inside, go = asyncio.Event(), asyncio.Event()

    async def writer() -> None:
        async with db.write() as tx:
            await tx.one("insert_team", **MEMBER)
            inside.set()
            await go.wait()

    task = asyncio.create_task(writer())
    await inside.wait()
    closing = asyncio.create_task(db.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go.set()
    await asyncio.gather(task, closing)
    with pytest.raises(apsw.ConnectionClosedError):
        await db.all("list_teams")
    reopened = SqliteDatabase(tmp_path / "state.db")
    assert await teams(reopened) == 1
    await reopened.close()


async def test_reads_leave_no_snapshot_open(db: SqliteDatabase) -> None:
    """A snapshot that stays open would keep the log from ever being emptied."""
    await add(db)
    await add(db)
    await db.one("list_teams")
    await db.scan("list_teams")
    busy, _, _ = db._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0


def test_a_library_with_the_corruption_bug_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")
    with pytest.raises(SetupError, match=r"SQLite 3\.51\.2 is too old"):
        sqlite._check_library()
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.3")
    sqlite._check_library()
