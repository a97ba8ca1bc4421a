"""A worker is held in the middle of its load until a newer attempt has loaded the same day; then it is let go.

This is what the fence is for: the worker is within its deadline, its reading is complete, and it comes too late.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from arena import Arena, Unanswered
from servers import Server

Found = TypeVar("Found")


def overtake(arena: Arena, server: Server, transfer_id: int, gate: Path, flavour: int, patience: float) -> bool:
    """True if the held worker was overtaken and has tried to load; the gate is open afterwards in any case."""
    try:
        held = _wait(lambda: _noted(arena, server, "held"), patience)
        if held is None or not edit(arena, transfer_id, flavour):
            return False
        if _wait(lambda: _is_loaded_anew(arena, held), patience) is None:
            return False
    finally:
        gate.touch()
    return _wait(lambda: _noted(arena, server, "let go"), patience) is not None


def edit(arena: Arena, transfer_id: int, flavour: int) -> bool:
    """Have the transfer read something else: what it is loading starts over, what it has loaded is out of date.

    Its weight is that of the configuration that the arena remembers.
    """
    body = copy.deepcopy(arena.transfers[transfer_id])
    body["data_source_settings"][0]["value"] = str(flavour)
    try:
        return arena.call("PUT", f"{arena.place(transfer_id)}/transfers/{transfer_id}", body)[0] == 200
    except Unanswered:
        return False


def _noted(arena: Arena, server: Server, what: str) -> dict[str, Any] | None:
    return next((one for one in arena.events() if one["what"] == what and one["pid"] == server.pid), None)


def _is_loaded_anew(arena: Arena, held: dict[str, Any]) -> bool | None:
    query = "SELECT 1 FROM runs WHERE transfer_id = ? AND data_date = ? AND status = 'COMPLETED' AND token > ?"
    return bool(arena.rows(query, held["transfer_id"], held["day"], held["token"])) or None


def _wait(look: Callable[[], Found | None], patience: float) -> Found | None:
    """What it finds, None if there is nothing so long."""
    end = time.monotonic() + patience
    while (found := look()) is None and time.monotonic() < end:
        time.sleep(0.01)
    return found
