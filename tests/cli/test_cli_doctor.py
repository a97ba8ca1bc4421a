"""The doctor finds each damage, mends what is safe, and finds nothing afterwards; looking changes nothing."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Command

from dayfill.engine import doctor
from loaded import Loaded, day


@pytest.fixture
def made(tmp_path: Path, clean: None) -> Loaded:
    return Loaded.make(tmp_path)


Damage = Callable[[Loaded], object]


def spooled(made: Loaded) -> None:
    (made.directory / "spool" / "team1-run1-token1-0.arrow").write_bytes(b"left")


def in_state(statement: str, *values: object) -> Damage:
    return lambda made: made.in_state(statement, *values)


def in_warehouse(statement: str, *values: object) -> Damage:
    return lambda made: made.in_warehouse(statement, *values)


def waiting(made: Loaded, backfill: str = "status = 'COMPLETED'") -> None:
    """One day of the backfill waits for another attempt."""
    made.in_state(
        "UPDATE runs SET status = 'QUEUED', ended_time = NULL, row_count = NULL, content_hash = NULL"
        " WHERE data_date = ?",
        ONE,
    )
    made.in_state(f"UPDATE backfills SET {backfill}")


def started(made: Loaded) -> None:
    waiting(made, "status = 'SCHEDULED', start_time = NULL, end_time = NULL")


def ended_too_soon(made: Loaded) -> None:
    waiting(made, "status = 'RUNNING'")


ONE = str(day(1))
DAMAGES: dict[str, tuple[Damage, str, str]] = {
    "a counter": (in_state("UPDATE backfills SET completed = 4, running = 1"), "I2: ", "counters anew"),
    "a waiting count": (
        in_state("UPDATE transfer_days SET queued = 3 WHERE data_date = ?", ONE),
        "I7: The state of a day counts",
        "counts of waiting",
    ),
    "a lost day state": (
        in_state("DELETE FROM transfer_days WHERE data_date = ?", ONE),
        "I7: Every run has a row",
        "Days of runs that had no state",
    ),
    "a loaded day of no run": (
        in_state("UPDATE transfer_days SET run_id = 99 WHERE data_date = ?", ONE),
        "I8: A loaded day names",
        "no completed run accounts for",
    ),
    "rows of a month": (in_state("UPDATE rows_of_months SET row_count = 1"), "I16: ", "rows of their months anew"),
    "an end that was lost": (
        in_state("UPDATE backfills SET status = 'RUNNING', end_time = NULL, start_time = NULL"),
        "I3: ",
        "the status and the end",
    ),
    "a failure without a failed day": (
        in_state("UPDATE backfills SET status = 'FAILED'"),
        "I3: ",
        "the status and the end",
    ),
    "an ended backfill with a day that waits": (waiting, "I2: ", "run again"),
    "a start that was lost": (started, "I3: ", "and have not ended"),
    "an end before the end": (ended_too_soon, "I4: ", "and have not ended"),
    "a sequence set back": (in_state("UPDATE installation SET last_token = 2"), "I10: ", "lifted above"),
    "a lost ledger row": (
        in_warehouse("DELETE FROM _dayfill_days WHERE data_date = ?", day(1)),
        "the ledger says nothing",
        "became stale",
    ),
    "another content in the ledger": (
        in_warehouse("UPDATE _dayfill_days SET content_hash = 'x' WHERE data_date = ?", day(1)),
        "I8: What the ledger says",
        "became stale",
    ),
    "a row deleted by hand": (
        in_warehouse("DELETE FROM visits WHERE day = ? AND page = 'home'", day(1)),
        "has 1 rows, its ledger says 2",
        "became stale",
    ),
    "a row put in by hand": (
        in_warehouse("INSERT INTO visits (day, page, n) VALUES (?, 'more', 1)", day(40)),
        "no ledger row",
        "became stale",
    ),
    "a dropped table": (in_warehouse("DROP TABLE visits"), "is gone", "Number: 5."),
    "a file in the spool": (spooled, "killed server or command left 1 files", "spool was removed"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_the_doctor_finds_it_mends_it_and_is_content(name: str, made: Loaded, command: Command) -> None:
    damage, said, done = DAMAGES[name]
    where = ("--data-dir", made.directory)
    assert command("doctor", *where).code == 0
    damage(made)
    found = command("doctor", *where)
    assert found.code == 1
    wrong = [one["problem"] for one in json.loads(found.out) if not one["ok"]]
    assert any(said in problem for problem in wrong), wrong
    assert command("doctor", *where).out == found.out, "looking has changed something"
    mended = command("doctor", *where, "--repair")
    assert done in mended.err
    assert mended.code == 0, mended.out
    assert command("doctor", *where, "--repair").err == "", "there was something left to mend"


def test_stale_days_are_loaded_again_and_what_was_put_in_by_hand_goes(made: Loaded, command: Command) -> None:
    made.in_warehouse("INSERT INTO visits (day, page, n) VALUES (?, 'more', 1)", day(1))
    made.in_warehouse("DELETE FROM visits WHERE day = ?", day(3))
    assert command("doctor", "--data-dir", made.directory, "--repair").code == 0
    assert made.states() == "lslsl"
    made.backfill(0, 4, only=["stale"])
    assert made.states() == "lllll"
    assert made.in_warehouse("SELECT count(*) FROM visits") == [(10,)]


@pytest.mark.parametrize("damage", [waiting, started, ended_too_soon])
def test_a_backfill_that_was_mended_is_completed(damage: Damage, made: Loaded, command: Command) -> None:
    damage(made)
    assert command("doctor", "--data-dir", made.directory, "--repair").code == 0
    made.work_off(1)
    assert made.states() == "lllll"
    assert command("doctor", "--data-dir", made.directory).code == 0


def test_a_backfill_whose_days_another_one_loads_stays_ended(made: Loaded, command: Command) -> None:
    """Two that load one day would break another rule: that is for a person."""
    waiting(made)
    made.in_state("UPDATE runs SET status = 'QUEUED' WHERE data_date = ?", ONE)
    columns = (
        "team_id, transfer_id, range_start, range_end, priority, created_time, created_user_id, total, only_states"
    )
    made.in_state(f"INSERT INTO backfills (status, {columns}) SELECT 'CREATED', {columns} FROM backfills")
    assert command("doctor", "--data-dir", made.directory, "--repair").code == 1
    assert made.in_state("SELECT status FROM backfills") == [("COMPLETED",), ("CREATED",)]


def test_looking_changes_no_file(made: Loaded, command: Command) -> None:
    """Not even a log left by a killed program is folded in."""
    state = made.directory / "state.sqlite"
    for statement in (
        f"import duckdb, os; c = duckdb.connect({str(made.warehouse)!r});"
        "c.execute(\"INSERT INTO visits (day, page, n) VALUES ('2024-03-01', 'x', 1)\"); os.kill(os.getpid(), 9)",
        f"import sqlite3, os; c = sqlite3.connect({str(state)!r}); c.execute('UPDATE teams SET name = name');"
        "c.commit(); os.kill(os.getpid(), 9)",
    ):
        assert subprocess.run([sys.executable, "-c", statement]).returncode == -signal.SIGKILL
    files = [made.warehouse, made.folder / "warehouse.duckdb.wal", state, state.with_name("state.sqlite-wal")]
    before = [path.read_bytes() for path in files]
    assert command("doctor", "--data-dir", made.directory).code == 1
    assert [path.read_bytes() for path in files] == before


def test_a_state_of_another_version_is_not_brought_up_to_date_by_looking(made: Loaded, command: Command) -> None:
    made.in_state("PRAGMA user_version = 1")
    ran = command("doctor", "--data-dir", made.directory, "-o", "table")
    assert (ran.code, "older version" in ran.out) == (1, True)
    assert command("doctor", "--data-dir", made.directory, "--repair").code == 2
    assert made.in_state("PRAGMA user_version") == [(1,)]


def test_a_warehouse_that_the_server_holds_is_not_looked_at_and_that_is_said(
    made: Loaded, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "WAIT_SECONDS", 0.01)
    code = f"import duckdb, sys; c = duckdb.connect({str(made.warehouse)!r}); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as held:
        assert held.stdout is not None and held.stdout.readline()
        with (made.directory / "serve.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            served = command("doctor", "--data-dir", made.directory, "-o", "table")
            refused = command("doctor", "--data-dir", made.directory, "--repair")
        alone = command("doctor", "--data-dir", made.directory, "-o", "table")
        mended = command("doctor", "--data-dir", made.directory, "--repair")
    assert served.code == 0
    assert "note   tables of transfer 1 'Visits' of team 1 hold what their ledger says: not looked at" in served.out
    assert (refused.code, "Another dayfill server" in refused.err) == (2, True)
    assert (alone.code, f"process {held.pid}" in alone.out) == (1, True)
    assert mended.code == 1, "what cannot be seen is not mended"
    assert command("doctor", "--data-dir", made.directory).code == 0


def test_a_warehouse_that_is_not_there_yet_or_not_any_more(made: Loaded, command: Command) -> None:
    made.warehouse.unlink()
    ran = command("doctor", "--data-dir", made.directory)
    assert (ran.code, "the ledger says nothing" in ran.out) == (1, True)
    gone = made.folder / "gone"
    made.in_state("UPDATE destinations SET fields = ?", json.dumps({"path": f"{gone}/w.duckdb"}))
    ran = command("doctor", "--data-dir", made.directory)
    assert ran.out.count(f"{gone} is not there or cannot be written") == 1
    assert f"The folder {gone} does not exist" in ran.out
    made.in_state("UPDATE destinations SET fields = ?", '{"path": "/no/such/folder/w.duckdb"}')
    ran = command("doctor", "--data-dir", made.directory)
    assert ran.out.count("/no/such/folder/w.duckdb is outside the folders that files may be in") == 2
