"""A disk that is full: what cannot be written is told in clear words, reads go on, and with room all is done."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import arena
import pytest
from arena import LONG_DEADLINE
from oracle import check, check_creates
from sabotage import Sabotage
from scenarios import DAYS, Case, create
from servers import PATIENCE, Server, Template

LIMIT = 3_000_000
"""Bytes: more than the state of this test needs, less than one large day."""


def fill_disk(server: Server, limit: int) -> None:
    """Have every write beyond so many bytes of any file refused, which is how a full disk looks to a process."""
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def free_disk(server: Server) -> None:
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.fixture
def case(tmp_path: Path, template: Template) -> Case:
    return served(tmp_path, template)


def served(folder: Path, template: Template, days: int = DAYS, padding: int = 0, **sabotage: int) -> Case:
    made = Case(arena.make(folder / "arena", ("STAMPED_SINGLY", LONG_DEADLINE), days=days), template, Random(1))
    made.server = template.serve(made.arena.data_dir, Sabotage(made.habits(padding=padding), **sabotage))
    assert made.server.ready(), made.server.said()
    made.arena.port = made.server.port
    return made


def reason(case: Case) -> str:
    """Why the server is not ready, empty if it is."""
    status, answer = case.arena.call("GET", "/readyz")
    return "" if status == 200 else str(answer["reason"])


def until(case: Case, look: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, f"{what}\n{case.server.said()[-3000:]}"
        time.sleep(0.01)
    return found


def all_done(case: Case) -> None:
    case.caller.finish(PATIENCE)
    assert case.server.end(signal.SIGTERM) == 0, case.server.said()
    found = check(case.arena)
    found.add(check_creates(case.arena, case.caller.acknowledged))
    assert found.wrong + case.caller.wrong == []


def test_a_state_that_cannot_be_written_says_so_and_goes_on_with_room(case: Case) -> None:
    create(case)
    fill_disk(case.server, 1)
    one = f"~/backfills/{case.backfill_id}"
    status, answer = case.arena.call("PATCH", one, {"status": "CANCELLED"})
    assert (status, "cannot be written: the disk of" in answer["error"]["description"]) == (503, True), answer
    until(case, lambda: "cannot be written: the disk of" in reason(case), "readyz says why")
    assert case.arena.call("GET", one)[0] == 200, "reads go on"
    free_disk(case.server)
    until(case, lambda: not reason(case), "it is ready")
    all_done(case)


def test_a_warehouse_without_room_rests_and_no_day_pays_for_it(tmp_path: Path, template: Template) -> None:
    case = served(tmp_path, template, padding=20_000)
    fill_disk(case.server, LIMIT)
    create(case)
    told = refused(case)
    says = f"The disk that holds {case.arena.warehouse} is full: free some space"
    assert {(says in message, attempts) for message, attempts in told} == {(True, 0)}, told
    assert case.arena.call("GET", f"~/backfills/{case.backfill_id}")[0] == 200, "reads go on"
    free_disk(case.server)
    all_done(case)


def test_a_spool_without_room_is_told_of_and_the_day_tried_again(tmp_path: Path, template: Template) -> None:
    case = served(tmp_path, template, days=1, padding=150_000, memory=4_000_000)
    fill_disk(case.server, LIMIT)
    create(case)
    ((message, attempts),) = refused(case)
    assert ("A reading too large for memory could not be kept" in message, attempts >= 1) == (True, True), message
    assert case.arena.call("GET", f"~/backfills/{case.backfill_id}")[0] == 200, "reads go on"
    free_disk(case.server)
    all_done(case)


def refused(case: Case) -> list[tuple[str, int]]:
    """Message and attempts of the runs that wait for another try, as soon as there are any."""
    query = "SELECT message, attempts FROM runs WHERE status IN ('QUEUED', 'FAILED') AND message <> ''"
    found: list[tuple[str, int]] = until(case, lambda: case.arena.rows(query), "a load is refused")
    return found
