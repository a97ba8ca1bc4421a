"""The place behind a path: no day is called loaded that the file at the path does not hold."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import duckdb
import pytest
from warehouse import Warehouse, a_day, duckdb_warehouse, stamped

from dayfill import app
from dayfill.app.keyring import KEYRING_FILE
from dayfill.destinations import DayOutcome, DestinationConfig, FinishedDay
from dayfill.destinations.duckdb import pool
from dayfill.errors import Permanent, Transient
from dayfill.secrets import Keyring
from dayfill.store.migrations import migrate_sqlite
from dayfill.store.sqlite import SqliteDatabase

LOCKED = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Warehouse]:
    yield duckdb_warehouse(tmp_path)
    pool.close_all()


def path_of(file: Warehouse) -> Path:
    return Path(str(file.config.fields["path"]))


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
    with pytest.raises(Transient, match="removed or replaced"), pool.session(str(path)) as opened:
        with opened.transaction() as con:
            con.execute("INSERT INTO visits SELECT * FROM visits")
            path.unlink()
    assert file.load(the_day(1)) == [DayOutcome.LOADED]
    assert days_in(path) == 1


def test_a_second_name_of_an_open_file_is_refused(file: Warehouse, tmp_path: Path) -> None:
    file.load(a_day(stamped(1)))
    other = tmp_path / "other.duckdb"
    os.link(path_of(file), other)
    with pytest.raises(Permanent, match="one file by two names"):
        file.destination.check(DestinationConfig("here", {"path": str(other)}))
    assert file.load(a_day(stamped(2), token=2)) == [DayOutcome.LOADED]


def test_a_pipe_is_refused_and_holds_up_nobody(file: Warehouse, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Permanent, match="pipe or device"):
        file.destination.check(DestinationConfig("here", {"path": str(tmp_path / "pipe")}))


@pytest.mark.parametrize("name", [app.STATE_FILE, app.STATE_FILE + "-wal", app.STATE_FILE + "-shm", KEYRING_FILE])
def test_the_installations_own_files_are_refused(tmp_path: Path, name: str) -> None:
    Keyring.of_new_file(tmp_path / KEYRING_FILE)
    (tmp_path / "link").symlink_to(tmp_path / name)
    for path in (tmp_path / name, tmp_path / "link"):
        with pytest.raises(Permanent, match="lives by"):
            file = DestinationConfig("here", {"path": str(path)})
            duckdb_warehouse(tmp_path).destination.check(file)


async def test_a_trial_on_the_state_leaves_its_locks(tmp_path: Path) -> None:
    Keyring.of_new_file(tmp_path / KEYRING_FILE)
    state = tmp_path / app.STATE_FILE
    migrate_sqlite(state)
    database = SqliteDatabase(state)
    with pytest.raises(Permanent):
        duckdb_warehouse(tmp_path).destination.check(DestinationConfig("here", {"path": str(state)}))
    taken = await anyio.run_process([sys.executable, "-c", LOCKED, str(state)], check=False)
    await database.close()
    assert b"BlockingIOError" in taken.stderr
