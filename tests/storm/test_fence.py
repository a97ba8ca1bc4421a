"""The fence refuses a load that comes too late; without it the comparison finds the stale day, so it can find one."""

from __future__ import annotations

import signal
from pathlib import Path

import arena
from arena import LONG_DEADLINE
from oracle import Findings, check
from overtaking import overtake
from sabotage import Sabotage
from servers import Template
from stamped import Habits


def after_an_overtaking(folder: Path, template: Template, *, is_fenced: bool) -> tuple[int, Findings]:
    """Refused days, and what is wrong, after a worker was overtaken by a newer attempt at its day."""
    made = arena.make(folder / "arena", ("STAMPED_SINGLY", LONG_DEADLINE))
    (transfer_id,) = made.transfers
    gate = folder / "gate"
    habits = Habits(trace=str(made.trace))
    server = template.serve(made.data_dir, Sabotage(habits, is_fenced, gate=str(gate), gate_of=transfer_id))
    assert server.ready(), server.said()
    made.port = server.port
    one_day = {"range_start": str(arena.day(0)), "range_end": str(arena.day(0))}
    assert made.call("POST", f"~/transfers/{transfer_id}/backfills", one_day)[0] == 200
    assert overtake(made, server, transfer_id, gate, flavour=1, patience=LONG_DEADLINE)
    assert server.end(signal.SIGTERM) == 0, server.said()
    return sum(event["days"] for event in made.events() if event["what"] == "refused"), check(made)


def test_with_the_fence_the_late_load_is_refused(tmp_path: Path, template: Template) -> None:
    refused, found = after_an_overtaking(tmp_path, template, is_fenced=True)
    assert (refused, found.wrong) == (1, [])


def test_without_the_fence_the_comparison_finds_the_stale_day(tmp_path: Path, template: Template) -> None:
    refused, found = after_an_overtaking(tmp_path, template, is_fenced=False)
    assert refused == 0
    assert found.count("stale") >= 2, "both tables of the day were read before the newer attempt read them"
