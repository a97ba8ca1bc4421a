"""How a server stops when it is told to, and that there is never a second one on the same directory."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import arena
import pytest
from arena import LONG_DEADLINE, Arena, day
from callers import Caller
from oracle import check, check_creates
from sabotage import Sabotage
from servers import PATIENCE, Server, Template
from stamped import Habits

from dayfill import app
from dayfill.cli.exits import Exit

ALLOWED = 30
"""Seconds that a process manager gives a server to stop."""


@dataclass
class Held:
    """A server one of whose workers is held in the middle of a load, until the gate is there."""

    arena: Arena
    caller: Caller
    server: Server
    template: Template
    gate: Path

    def status(self) -> tuple[int, str]:
        status, answer = self.arena.call("GET", "/readyz")
        return status, answer.get("reason", "")

    def terminate(self) -> None:
        """Send the first signal and wait until it is heard."""
        self.server.send(signal.SIGTERM)
        end = time.monotonic() + PATIENCE
        while self.status() != (503, "the server is stopping"):
            assert time.monotonic() < end, self.server.said()
            time.sleep(0.005)

    def create(self, first: int, last: int) -> int:
        """Ask for these days; the status of the answer."""
        key, (transfer_id,) = f"{first}-{last}", self.arena.transfers
        self.caller.open[key] = (transfer_id, str(day(first)), str(day(last)))
        self.caller.repeat()
        return 503 if self.caller.open else 200

    def read(self) -> set[str]:
        return {day for event in self.arena.events() if event["what"] == "read" for day in event["days"]}

    def finish(self) -> None:
        """The next server does the rest, and nothing is wrong."""
        server = self.template.serve(self.arena.data_dir, Sabotage(Habits(trace=str(self.arena.trace))))
        assert server.ready(), server.said()
        self.arena.port = server.port
        self.caller.finish(PATIENCE)
        assert server.end(signal.SIGTERM) == Exit.OK
        found = check(self.arena)
        found.add(check_creates(self.arena, self.caller.acknowledged))
        assert found.wrong + self.caller.wrong == []


def hold(folder: Path, template: Template, **sabotage: float) -> Held:
    made = arena.make(folder / "arena", ("STAMPED_SINGLY", LONG_DEADLINE), days=4)
    gate, habits = folder / "gate", Habits(trace=str(made.trace))
    wanted = Sabotage(habits, gate=str(gate), gate_of=next(iter(made.transfers)), **sabotage)
    server = template.serve(made.data_dir, wanted)
    assert server.ready(), server.said()
    made.port = server.port
    held = Held(made, Caller(made, Random(1)), server, template, gate)
    assert held.create(0, 0) == 200
    end = time.monotonic() + PATIENCE
    while not any(event["what"] == "held" for event in made.events()):
        assert time.monotonic() < end, server.said()
        time.sleep(0.005)
    return held


def test_sigterm_lets_the_days_under_way_end_and_starts_no_other(tmp_path: Path, template: Template) -> None:
    held = hold(tmp_path, template)
    held.terminate()
    asked = held.create(1, 3)
    held.gate.touch()
    assert held.server.end() == Exit.OK, held.server.said()
    assert held.read() == {str(day(0))}
    assert held.arena.rows("SELECT data_date, attempts FROM runs WHERE status = 'COMPLETED'") == [(str(day(0)), 1)]
    assert asked == 200, "what is asked for meanwhile is kept for the next server"
    held.finish()


def test_a_second_signal_ends_at_once_and_loses_nothing(tmp_path: Path, template: Template) -> None:
    held = hold(tmp_path, template)
    held.terminate()
    assert held.server.end(signal.SIGTERM) == Exit.INTERRUPTED, held.server.said()
    assert not held.gate.exists()
    held.finish()
    assert held.arena.rows("SELECT status, attempts FROM runs WHERE data_date = ?", str(day(0))) == [("COMPLETED", 2)]


def test_what_hangs_holds_a_stopping_server_for_a_while_only(tmp_path: Path, template: Template) -> None:
    assert app.DRAIN_SECONDS + 5 < ALLOWED
    held = hold(tmp_path, template, drain=0.5)
    held.terminate()
    assert held.server.end() == Exit.OK
    assert "loaded again after the next start" in held.server.said()
    held.finish()


def test_a_second_server_on_the_same_directory_is_refused_while_the_first_goes_on(
    tmp_path: Path, template: Template
) -> None:
    held = hold(tmp_path, template)
    second = template.serve(held.arena.data_dir, Sabotage())
    assert second.end() == Exit.SETUP
    says = f"Another dayfill server (process {held.server.pid}) works on {held.arena.data_dir}: stop it, or choose"
    assert says in second.said()
    assert held.status() == (200, "")
    held.gate.touch()
    assert held.server.end(signal.SIGTERM) == Exit.OK
    held.finish()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_directory_is_free_as_soon_as_its_server_has_ended(
    tmp_path: Path, template: Template, number: signal.Signals
) -> None:
    held = hold(tmp_path, template, drain=0.2)
    held.server.end(number)
    held.finish()
