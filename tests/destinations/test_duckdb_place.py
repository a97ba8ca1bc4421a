"""The place behind a path: no day is called loaded that the file at the path does not hold."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import anyio
import duckdb
import pytest
from warehouse import Warehouse, a_day, duckdb_warehouse, path_of, stamped

from dayfill import app
from dayfill.app.keyring import KEYRING_FILE
from dayfill.destinations import DayOutcome, DestinationConfig, FinishedDay
from dayfill.destinations.duckdb import pool
from dayfill.errors import Permanent, Transient
from dayfill.roots import placed
from dayfill.secrets import Keyring
from dayfill.store.migrations import migrate_sqlite
from dayfill.store.sqlite import SqliteDatabase
from reaching import TEMP

LOCKED = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"


def the_day(offset: int) -> FinishedDay:
    return a_day(stamped(1, offset=offset), offset)


def days_in(path: Path) -> int:
    pool.close_all()
    with duckdb.connect(str(path), read_only=True) as con:
        return int(con.sql("SELECT count(DISTINCT data_date) FROM visits").fetchall()[0][0])


@pytest.mark.parametrize("log_too", [False, True])
def test_a_file_deleted_between_loads_is_made_anew(file: Warehouse, log_too: bool) -> None:
    path = path_of(file)
    file.load(the_day(0))
    path.unlink()
    if log_too:
        path.with_name(path.name + ".wal").unlink()
    assert file.load(the_day(1)) == [DayOutcome.LOADED]
    assert days_in(path) == 1


def test_a_file_replaced_between_loads_gets_the_next_day(file: Warehouse, tmp_path: Path) -> None:
    path, copy = path_of(file), tmp_path / "copy.duckdb"
    file.load(the_day(0))
    pool.close_all()
    shutil.copy(path, copy)
    file.load(the_day(1))
    copy.replace(path)
    assert file.load(the_day(2)) == [DayOutcome.LOADED]
    assert days_in(path) == 2


def test_a_file_deleted_during_a_load_is_loaded_again(file: Warehouse) -> None:
    path = path_of(file)
    file.load(the_day(0))
    with pytest.raises(Transient, match="removed or replaced"), pool.session(placed(str(path), TEMP)) as opened:
        with opened.transaction() as con:
            con.execute("INSERT INTO visits SELECT * FROM visits")
            path.unlink()
    assert file.load(the_day(1)) == [DayOutcome.LOADED]
    assert days_in(path) == 1


def test_a_second_name_of_an_open_file_is_refused(file: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    duckdb_warehouse(tmp_path / "before").load(a_day(stamped(1)))  # another file that is open
    file.load(a_day(stamped(1)))
    other = tmp_path / "other.duckdb"
    os.link(path_of(file), other)
    with pytest.raises(Permanent, match="one file by two names"):
        file.destination.check(DestinationConfig("here", {"path": str(other)}, reach=TEMP))
    assert file.load(a_day(stamped(2), token=2)) == [DayOutcome.LOADED]


def test_a_pipe_is_refused_and_holds_up_nobody(file: Warehouse, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Permanent, match="pipe or device"):
        file.destination.check(DestinationConfig("here", {"path": str(tmp_path / "pipe")}, reach=TEMP))


@pytest.mark.parametrize("name", [app.STATE_FILE, app.STATE_FILE + "-wal", app.STATE_FILE + "-shm", KEYRING_FILE])
def test_the_installations_own_files_are_refused(tmp_path: Path, name: str) -> None:
    Keyring.of_new_file(tmp_path / KEYRING_FILE)
    (tmp_path / "link").symlink_to(tmp_path / name)
    for path in (tmp_path / name, tmp_path / "link"):
        with pytest.raises(Permanent, match="lives by"):
            file = DestinationConfig("here", {"path": str(path)}, reach=TEMP)
            duckdb_warehouse(tmp_path).destination.check(file)


async def test_a_trial_on_the_state_leaves_its_locks(tmp_path: Path) -> None:
    Keyring.of_new_file(tmp_path / KEYRING_FILE)
    state = tmp_path / app.STATE_FILE
    migrate_sqlite(state)
    database = SqliteDatabase(state)
    with pytest.raises(Permanent):
        duckdb_warehouse(tmp_path).destination.check(DestinationConfig("here", {"path": str(state)}, reach=TEMP))
    taken = await anyio.run_process([sys.executable, "-c", LOCKED, str(state)], check=False)
    await database.close()
    assert b"BlockingIOError" in taken.stderr


def trial(path: Path) -> str:
    """The error of a test of the connection, "" if there is none."""
    try:
        duckdb_warehouse(path.parent).destination.check(DestinationConfig("here", {"path": str(path)}, reach=TEMP))
    except Permanent as error:
        return error.message
    return ""


def test_a_trial_leaves_no_file_behind(tmp_path: Path) -> None:
    assert trial(tmp_path / "new.duckdb") == ""
    assert list(tmp_path.iterdir()) == []


def test_a_trial_leaves_what_was_there_or_is_in_use(file: Warehouse) -> None:
    path = path_of(file)
    with pool.session(placed(str(path), TEMP)):  # made by a load that is under way
        assert trial(path) == ""
    assert path.exists()
    file.load(the_day(0))
    assert trial(path) == ""
    assert days_in(path) == 1


def test_a_trial_outside_of_the_roots_tells_nothing_of_what_is_there() -> None:
    said = {trial(Path(path)).replace(path, "?") for path in ("/etc/passwd", "/etc/nothing.duckdb", "/no/folder/x")}
    assert len(said) == 1
    assert "is outside the folders" in said.pop()


def test_a_link_that_leads_out_is_no_place_for_a_warehouse(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/usr")
    assert "is outside the folders" in trial(tmp_path / "link" / "x.duckdb")


def test_a_link_that_is_there_only_while_the_file_is_opened_is_found_out(
    file: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other, moved = path_of(file), tmp_path / "other.duckdb", tmp_path / "moved.duckdb"
    duckdb.connect(str(other)).close()
    file.load(the_day(0))
    pool.close_all()
    connect = duckdb.connect

    def swapped(*given: object) -> duckdb.DuckDBPyConnection:
        path.rename(moved)
        path.symlink_to(other)
        opened = connect(*given)  # type: ignore[arg-type]
        path.unlink()
        moved.rename(path)
        return opened

    monkeypatch.setattr(duckdb, "connect", swapped)
    with pytest.raises(Permanent, match="replaced while it was opened"):
        file.load(the_day(1))
    monkeypatch.undo()
    assert days_in(path) == 1
    with duckdb.connect(str(other)) as con:
        assert con.sql("SHOW TABLES").fetchall() == []
