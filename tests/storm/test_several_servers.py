"""Several servers on one state in PostgreSQL are killed, cut off and asked at once; nothing is lost or doubled."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import arena
import pytest
from arena import LONG_DEADLINE, Arena, day
from sabotage import Sabotage
from servers import PATIENCE, Server, Template
from stamped import Habits

from dayfill.cli import run
from dayfill.cli.exits import Exit
from postgres_server import PostgresServer, own_server, sql

DAYS = 60
PEOPLE = 6


@dataclass
class Shared:
    """One installation and its servers, each with a data directory of its own."""

    arena: Arena
    postgres: PostgresServer
    template: Template
    servers: list[Server]

    def start(self) -> Server:
        folder = self.arena.folder / f"server{len(self.servers)}"
        habits = Habits(trace=str(self.arena.trace), delay=0.05)
        keyring = str(self.arena.data_dir / "keyring")
        settings = {"DAYFILL_STATE": self.postgres.dsn(), "DAYFILL_KEYRING_FILE": keyring}
        server = self.template.serve(folder, Sabotage(habits), **settings)
        assert server.ready(), server.said()
        self.servers.append(server)
        return server

    def at(self, server: Server) -> Arena:
        """How to ask this server."""
        return replace(self.arena, port=server.port)

    def create(self, server: Server, first: int, last: int) -> tuple[int, Any]:
        (transfer_id,) = self.arena.transfers
        body = {"range_start": str(day(first)), "range_end": str(day(last))}
        return self.at(server).call("POST", f"~/transfers/{transfer_id}/backfills", body)

    def get(self, server: Server, backfill_id: int) -> dict[str, Any]:
        """The backfill, once the server answers with it; what it answers before is that it should be asked again."""
        end = time.monotonic() + PATIENCE
        while True:
            status, found = self.at(server).call("GET", f"~/backfills/{backfill_id}")
            if status == 200:
                return dict(found)
            assert status == 503 and time.monotonic() < end, (status, found)
            time.sleep(0.05)

    def until(self, server: Server, backfill_id: int, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        end = time.monotonic() + 2 * PATIENCE
        while not reached(found := self.get(server, backfill_id)):
            assert time.monotonic() < end, (found, [one.said() for one in self.servers])
            time.sleep(0.02)
        return found

    def check(self) -> None:
        """State, ledger and tables agree, and all days were loaded."""
        for server in self.servers:
            if server.code is None:
                assert server.end(signal.SIGTERM) == Exit.OK, server.said()
        roots = f"DAYFILL_FILE_ROOTS={self.arena.folder}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(*roots.split("="))
            patch.chdir(self.arena.folder)
            data_dir = ("--data-dir", str(self.arena.data_dir))
            assert run(["doctor", "--state", self.postgres.dsn(), *data_dir]) == Exit.OK


@pytest.fixture
def shared(tmp_path: Path, template: Template) -> Iterator[Shared]:
    with own_server() as postgres:
        kinds = ("STAMPED_SINGLY", LONG_DEADLINE)
        made = Shared(arena.make(tmp_path / "arena", kinds, state=postgres.dsn()), postgres, template, [])
        yield made
        for server in made.servers:
            if server.code is None:
                server.end(signal.SIGKILL)


def some(found: dict[str, Any]) -> bool:
    return bool(found["transfer_runs_completed"] >= 5)


def ended(found: dict[str, Any]) -> bool:
    return found["status"] not in ("CREATED", "SCHEDULED", "RUNNING")


def test_another_goes_on_when_the_server_that_dispatches_is_killed(shared: Shared) -> None:
    first, second = shared.start(), shared.start()
    status, made = shared.create(second, 0, DAYS - 1)
    assert status == 200, made
    backfill_id = made["transfer_backfill_id"]
    shared.until(second, backfill_id, some)
    first.end(signal.SIGKILL)
    done = shared.until(second, backfill_id, ended)
    assert (done["status"], done["transfer_runs_completed"], done["transfer_runs_failed"]) == ("COMPLETED", DAYS, 0)
    assert int(sql(shared.postgres.dsn(), "SELECT max(attempts) FROM runs")) <= 2
    shared.check()


def test_restarts_of_postgresql_fail_no_day(shared: Shared, rounds: Callable[[int], int]) -> None:
    first, second = shared.start(), shared.start()
    restarts = rounds(3)
    _, made = shared.create(first, 0, 20 * restarts - 1)
    backfill_id = made["transfer_backfill_id"]
    for number in range(restarts):
        before = 10 * number
        shared.until(second, backfill_id, lambda found, n=before: found["transfer_runs_completed"] >= n or ended(found))
        shared.postgres.stop("immediate")
        refused = shared.create(first, 0, 0)
        assert refused[0] == 503, refused
        shared.postgres.start()
    done = shared.until(first, backfill_id, ended)
    assert (done["status"], done["transfer_runs_failed"]) == ("COMPLETED", 0)
    assert done["transfer_runs_completed"] == 20 * restarts
    shared.check()


def test_of_overlapping_creates_at_two_servers_one_wins(shared: Shared, rounds: Callable[[int], int]) -> None:
    both = shared.start(), shared.start()
    with ThreadPoolExecutor(PEOPLE) as people:
        for number in range(rounds(8)):
            span = number % 5, 5 + number % 7
            asked = [people.submit(shared.create, both[one % 2], *span) for one in range(PEOPLE)]
            answers = sorted((one.result() for one in asked), key=lambda answer: answer[0])
            assert [status for status, _ in answers] == [200] + [422] * (PEOPLE - 1), answers
            backfill_id = answers[0][1]["transfer_backfill_id"]
            status, told = shared.at(both[0]).call("PATCH", f"~/backfills/{backfill_id}", {"status": "CANCELLED"})
            assert status == 200 or (status, shared.get(both[0], backfill_id)["status"]) == (422, "COMPLETED"), told
    shared.check()
