"""A state of the previous release with work under way is taken over; one of a later release is left alone."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path
from random import Random

import apsw
import arena
import pytest
from arena import DEADLINE
from oracle import check, check_creates
from sabotage import Sabotage
from scenarios import DAYS, Case, killed_before_the_upgrade
from servers import PATIENCE, Template

from dayfill.cli.exits import Exit
from dayfill.store.migrations import migrations

NEWEST = migrations("sqlite")[-1].number


@pytest.fixture
def case(tmp_path: Path, template: Template) -> Case:
    """An installation whose server was killed in the middle of a backfill."""
    made = Case(arena.make(tmp_path / "arena", ("STAMPED_SINGLY", DEADLINE), days=DAYS), template, Random(1))
    killed_before_the_upgrade(made)
    return made


def version(case: Case) -> int:
    return int(case.arena.rows("PRAGMA user_version")[0][0])


@pytest.mark.parametrize("failpoint", ["", "migrate:kill"])
def test_the_work_of_the_previous_release_is_done_by_this_one(case: Case, failpoint: str) -> None:
    waiting = dict(case.arena.rows("SELECT status, count(*) FROM runs GROUP BY status"))
    assert (version(case), waiting.keys() >= {"RUNNING", "QUEUED"}) == (1, True), waiting
    if failpoint:
        killed = case.template.serve(case.arena.data_dir, Sabotage(), failpoint)
        assert (killed.end(), version(case)) == (-signal.SIGKILL, 1)
    server = case.template.serve(case.arena.data_dir, Sabotage(case.habits()))
    assert server.ready(), server.said()
    case.arena.port = server.port
    case.caller.finish(PATIENCE)
    assert server.end(signal.SIGTERM) == Exit.OK, server.said()
    assert version(case) == NEWEST
    found = check(case.arena)
    found.add(check_creates(case.arena, case.caller.acknowledged))
    assert found.wrong + case.caller.wrong == []
    assert case.arena.rows("SELECT status, completed FROM backfills")[0] == ("COMPLETED", DAYS)


def test_a_state_of_a_later_release_is_refused_and_left_alone(case: Case) -> None:
    with closing(apsw.Connection(str(case.arena.data_dir / "state.sqlite"))) as connection:
        connection.pragma("user_version", NEWEST + 1)
    before = case.arena.rows("SELECT * FROM runs")
    server = case.template.serve(case.arena.data_dir, Sabotage())
    assert server.end() == Exit.SETUP
    assert f"was written by a newer version of dayfill (schema {NEWEST + 1}" in server.said()
    assert (version(case), case.arena.rows("SELECT * FROM runs")) == (NEWEST + 1, before)
