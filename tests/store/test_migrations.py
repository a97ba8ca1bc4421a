"""The schema: made once, whoever asks first; never touched when it comes from a newer version."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from dayfill.errors import SetupError
from dayfill.store import migrations as module
from dayfill.store.migrations import Migration, migrate_sqlite, migrations

NEWEST = migrations("sqlite")[-1].number


def schema(path: Path) -> list[tuple[object, ...]]:
    return apsw.Connection(str(path)).execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.number for migration in migrations("sqlite")] == list(range(1, NEWEST + 1))


def test_a_fresh_file_gets_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    assert migrate_sqlite(path) == NEWEST
    assert {"runs", "backfills", "transfer_days"} <= {row[0] for row in schema(path)}
    assert apsw.Connection(str(path)).pragma("user_version") == NEWEST
    assert apsw.Connection(str(path)).pragma("journal_mode") == "wal"


def test_repeated_it_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    migrate_sqlite(path)
    before = schema(path)
    apsw.Connection(str(path)).execute("INSERT INTO teams (team_id, name, created_time) VALUES (1, 'a', 1)")
    assert migrate_sqlite(path) == NEWEST
    assert schema(path) == before
    assert apsw.Connection(str(path)).execute("SELECT count(*) FROM teams").fetchone() == (1,)


def test_a_newer_schema_is_refused_in_clear_words(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    migrate_sqlite(path)
    apsw.Connection(str(path)).pragma("user_version", NEWEST + 1)
    says = re.escape(f"{path} was written by a newer version of dayfill (schema {NEWEST + 1}")
    with pytest.raises(SetupError, match=says):
        migrate_sqlite(path)


def test_a_step_that_fails_leaves_the_step_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.db"
    migrate_sqlite(path)
    before = schema(path)
    broken = Migration(NEWEST + 1, "broken", "CREATE TABLE half (a); CREATE TABLE teams (a);")
    monkeypatch.setattr(module, "migrations", lambda dialect: [*migrations(dialect), broken])
    with pytest.raises(apsw.SQLError, match="teams already exists"):
        migrate_sqlite(path)
    assert schema(path) == before
    assert apsw.Connection(str(path)).pragma("user_version") == NEWEST


def test_a_later_step_is_applied_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.db"
    migrate_sqlite(path)
    more = Migration(NEWEST + 1, "more", "CREATE TABLE more (a);")
    monkeypatch.setattr(module, "migrations", lambda dialect: [*migrations(dialect), more])
    assert migrate_sqlite(path) == NEWEST + 1
    assert ("more", "CREATE TABLE more (a)") in schema(path)


def test_several_at_once_make_it_once(tmp_path: Path) -> None:
    """A command and a server may both be the first to open a new installation."""
    for n in range(10):
        path = tmp_path / f"{n}.db"
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(migrate_sqlite, [path] * 4)) == {NEWEST}


def test_rows_that_were_committed_before_they_were_counted_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    with monkeypatch.context() as patch:
        patch.setattr(module, "migrations", lambda dialect: migrations(dialect)[:2])
        assert migrate_sqlite(path) == 2
    state = apsw.Connection(str(path))
    ends = {"2024-05-31 23:59:59": 3, "2024-06-01 00:00:00": 4, "2024-06-30 12:00:00": 5, "2024-07-01 00:00:00": None}
    for row, (end, rows) in enumerate(ends.items()):
        status = "COMPLETED" if rows else "FAILED"
        state.execute(
            "INSERT INTO runs (team_id, transfer_id, data_date, run_type, cause_of_start, priority, status,"
            " created_time, ended_time, row_count)"
            " VALUES (7, 1, ?, 'Recurring', 'schedule', 1, ?, 1, unixepoch(?) * 1000000, ?)",
            (str(row), status, end, rows),
        )
    state.execute("INSERT INTO teams (team_id, name, created_time) VALUES (7, 'a', 1)")
    migrate_sqlite(path)
    assert state.execute("SELECT * FROM rows_of_months").fetchall() == [(7, "2024-05", 3), (7, "2024-06", 9)]
