"""The work that every release left under way is done by this one; a state of a later release is left alone."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest
import released
from released import DAYS
from sabotage import Sabotage
from servers import PATIENCE, Template

from dayfill.cli import run
from dayfill.cli.exits import Exit
from dayfill.seams import no_failpoint
from dayfill.store.migrations import migrations
from dayfill.store.postgresql import migrating
from dayfill.store.postgresql.connecting import connect
from dayfill.store.postgresql.moving import move
from loaded import Loaded
from postgres_server import sql

NEWEST = migrations("sqlite")[-1].number
FIRST_IN_POSTGRESQL = 4


def version(made: Loaded) -> int:
    return int(str(made.in_state("PRAGMA user_version")[0][0]))


def test_every_released_schema_is_kept_with_work_under_way() -> None:
    assert released.schemas() == list(range(1, NEWEST)), "write down the work of the release: see released.py"


@pytest.mark.parametrize("number", released.schemas())
def test_a_released_schema_is_not_changed(number: int, tmp_path: Path) -> None:
    query = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"
    with closing(apsw.Connection(":memory:")) as ours:
        for migration in migrations("sqlite")[:number]:
            ours.execute(migration.text)
        assert released.restore(number, tmp_path).in_state(query) == ours.execute(query).fetchall()


@pytest.mark.parametrize("number", released.schemas())
def test_the_work_of_a_release_is_done_by_this_one(
    number: int, tmp_path: Path, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server was killed with days loaded, being loaded and waiting; it left state and warehouse.

    This one is killed in the middle of its first step too, which leaves the state as it was.
    """
    made = released.restore(number, tmp_path)
    ended, counted = (
        "SELECT status, start_time, end_time, total, completed, rows_total FROM backfills WHERE backfill_id = 1",
        "SELECT status, count(*) FROM runs GROUP BY status",
    )
    before, runs = made.in_state(ended), dict(made.in_state(counted))
    assert (version(made), runs.keys()) == (number, {"COMPLETED", "RUNNING", "QUEUED"})
    killed = template.serve(made.directory, Sabotage(), "migrate:kill")
    assert (killed.end(), version(made)) == (-signal.SIGKILL, number)
    server = template.serve(made.directory, Sabotage())
    assert server.ready(), server.said()
    end = time.monotonic() + PATIENCE
    while dict(made.in_state(counted)).keys() != {"COMPLETED"}:
        assert time.monotonic() < end, server.said()
        time.sleep(0.01)
    assert server.end(signal.SIGTERM) == Exit.OK, server.said()
    assert (version(made), made.in_state(ended)) == (NEWEST, before)
    attempts = "SELECT attempts, count(*) FROM runs GROUP BY attempts ORDER BY attempts"
    assert made.in_state(attempts) == [(1, runs["COMPLETED"] + runs["QUEUED"]), (2, runs["RUNNING"])]
    assert made.in_warehouse("SELECT count(*), count(DISTINCT day) FROM hits") == [(2 * DAYS, DAYS)]
    monkeypatch.setenv("DAYFILL_CONFIG", os.devnull)
    monkeypatch.setenv("DAYFILL_FILE_ROOTS", str(tmp_path))
    for command in ["doctor"], ["verify", "Visits"], ["verify", "Hits"]:
        assert run([*command, "--data-dir", str(made.directory), "-o", "table"]) == Exit.OK


@pytest.mark.parametrize("number", [number for number in released.schemas() if number >= FIRST_IN_POSTGRESQL])
async def test_the_work_of_a_release_in_postgresql_is_done_by_this_one(
    number: int, tmp_path: Path, template: Template, monkeypatch: pytest.MonkeyPatch, postgres_database: str
) -> None:
    """The same work, brought there as that release would have."""
    made, steps = released.restore(number, tmp_path), migrations("postgresql")
    connection = await connect(postgres_database)
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "migrations", lambda _: [step for step in steps if step.number <= number])
        assert await migrating.migrate(connection, no_failpoint) == number
    await connection.execute("SET session_replication_role = replica")  # the dump has its tables in another order
    await move(made.directory / "state.sqlite", connection)
    settings = {"DAYFILL_STATE": postgres_database, "DAYFILL_KEYRING_FILE": str(made.directory / "keyring")}
    server = template.serve(tmp_path / "server", Sabotage(), **settings)
    assert server.ready(), server.said()
    end = time.monotonic() + PATIENCE
    while await connection.fetchval("SELECT count(*) FROM runs WHERE status <> 'COMPLETED'"):
        assert time.monotonic() < end, server.said()
        await asyncio.sleep(0.01)
    await connection.close()
    assert server.end(signal.SIGTERM) == Exit.OK, server.said()
    assert sql(postgres_database, "SELECT max(number) FROM schema_steps") == str(NEWEST)
    assert sql(postgres_database, "SELECT DISTINCT m.weight, t.weight FROM teams m, transfers t") == "1|1"
    assert made.in_warehouse("SELECT count(*), count(DISTINCT day) FROM hits") == [(2 * DAYS, DAYS)]


def test_a_state_of_a_later_release_is_refused_and_left_alone(tmp_path: Path, template: Template) -> None:
    made = released.restore(NEWEST - 1, tmp_path)
    made.in_state(f"PRAGMA user_version = {NEWEST + 1}")
    before = made.in_state("SELECT * FROM runs")
    server = template.serve(made.directory, Sabotage())
    assert server.end() == Exit.SETUP
    assert f"was written by a newer version of dayfill (schema {NEWEST + 1}" in server.said()
    assert (version(made), made.in_state("SELECT * FROM runs")) == (NEWEST + 1, before)
