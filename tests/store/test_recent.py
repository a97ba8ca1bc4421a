"""What is remembered of the state is never older than the turn of the event loop in which it is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from dayfill.store import recent
from dayfill.store.sqlite import SqliteDatabase, SqliteTx


@pytest.fixture
def statements(db: SqliteDatabase) -> list[str]:
    """What the reading connection executes from now on, but for the looks whether something has changed."""
    told: list[str] = []

    def note(_cursor: apsw.Cursor, text: str, _values: object) -> bool:
        if text != recent._LOOK:
            told.append(text)
        return True

    db._reader.exec_trace = note
    return told


async def team(db: SqliteDatabase, name: str) -> int:
    async with db.write() as tx:
        row = await tx.one("insert_team", name=name, created_time=1)
    assert row is not None
    return int(row[0])


async def name_of(db: SqliteDatabase, team_id: int) -> str | None:
    row = await db.one("get_team", team_id=team_id)
    return None if row is None else row[1]


async def test_what_has_not_changed_is_read_once(db: SqliteDatabase, statements: list[str]) -> None:
    team_id = await team(db, "a")
    for _ in range(3):
        assert (await name_of(db, team_id), await name_of(db, 99)) == ("a", None)
        assert len(await db.all("list_teams")) == 1
        await asyncio.sleep(0)
    assert len(statements) == 3


async def test_a_commit_of_this_process_is_seen_at_once(db: SqliteDatabase) -> None:
    """Without a pause in between, again and again: the look of the turn must not outlast the commit."""
    team_id = await team(db, "0")
    for number in range(1, 500):
        assert await name_of(db, team_id) == str(number - 1)
        async with db.write() as tx:
            assert isinstance(tx, SqliteTx)
            tx._connection.execute("UPDATE teams SET name = ?", (str(number),))
    assert await name_of(db, team_id) == "499"


async def test_a_commit_of_another_process_is_seen_in_the_next_turn(db: SqliteDatabase, tmp_path: Path) -> None:
    team_id = await team(db, "before")
    assert await name_of(db, team_id) == "before"
    other = apsw.Connection(str(tmp_path / "state.db"))
    other.execute("UPDATE teams SET name = 'after'")
    other.close()
    await asyncio.sleep(0)
    assert await name_of(db, team_id) == "after"


async def test_the_names_of_values_count(db: SqliteDatabase) -> None:
    """The same numbers under each other's names ask for something else."""
    async with db.write() as tx:
        for name in "ab":
            await tx.one("insert_team", name=name, created_time=1)
            await tx.one("insert_user", email=name, first_name="", last_name="", created_time=1)
        await tx.run("set_member", team_id=1, user_id=2, role="owner", created_time=1)
    assert await db.one("get_member", team_id=1, user_id=2) is not None
    assert await db.one("get_member", user_id=1, team_id=2) is None
    assert await db.one("get_member", team_id=2, user_id=1) is None


async def test_who_gets_a_list_may_change_it(db: SqliteDatabase) -> None:
    await team(db, "a")
    (await db.all("list_teams")).clear()
    assert len(await db.all("list_teams")) == 1


async def test_little_is_remembered(db: SqliteDatabase, statements: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_ROWS", 1)
    monkeypatch.setattr(recent, "MOST_ANSWERS", 3)
    for name in "ab":
        await team(db, name)
    for _ in range(2):
        assert len(await db.all("list_teams")) == 2
    assert len(statements) == 2, "long answers are not kept"
    statements.clear()
    wordy = await team(db, "w" * recent.MOST_CHARACTERS + "w")
    for _ in range(2):
        await name_of(db, wordy)
    assert len(statements) == 2, "nor are those with long texts"
    statements.clear()
    for team_id in (*range(8), 0):
        await name_of(db, team_id)
    assert len(db._recent._answers) <= 3
    assert len(statements) == 9
