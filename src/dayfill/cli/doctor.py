"""``dayfill doctor``: look over an installation; nothing is changed."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path

from dayfill.app import KEYRING_FILE, LOCK_FILE, STATE_FILE, State
from dayfill.cli.exits import Exit
from dayfill.cli.installation import existing, existing_state
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.cli.output import plain
from dayfill.domain.destination import Destination, Wanted
from dayfill.engine import destinations as verbs
from dayfill.errors import DayfillError, SetupError
from dayfill.settings import Settings
from dayfill.store import destinations, invariants, teams

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ENOUGH_BYTES = 1 << 30

Finding = tuple[str, str | None]
"""What was looked at, and what is wrong with it."""


async def doctor(*, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Check state, counters, permissions, disk and warehouses; changes nothing. A server may run meanwhile.

    Exit code: 0 all is well, 1 something is wrong.

    For example:

        dayfill doctor --data-dir /srv/dayfill
    """
    found = [finding async for finding in _findings(options.settings())]
    printer = options.printer()
    if printer.output == "table":
        for check, problem in found:
            print(plain(f"{'WRONG' if problem else 'ok':<6} {check}" + (f": {problem}" if problem else "")))
    else:
        printer.many([{"check": check, "ok": problem is None, "problem": problem} for check, problem in found], {})
    return Exit.ERROR if any(problem for _, problem in found) else Exit.OK


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    directory = existing(settings)
    for path in (directory, directory / STATE_FILE, directory / KEYRING_FILE):
        yield f"only its owner can read {path}", _others_can_read(path)
    yield f"room on the disk of {directory}", _too_full(directory)
    try:
        async with existing_state(settings) as state:
            async for finding in _state_findings(state):
                yield finding
    except SetupError as error:
        yield f"{directory} can be opened", str(error)


async def _state_findings(state: State) -> AsyncIterator[Finding]:
    violations = await invariants.check(state.db)
    if not violations:
        yield f"{len(invariants.INVARIANTS)} rules of the state hold", None
    for violation in violations:
        yield "rules of the state", violation
    for team in await teams.page(state.db):
        for destination in await destinations.list_all(state.db, team.team_id):
            name = f"destination {destination.destination_id} {destination.display_name!r} of team {team.team_id}"
            yield f"{name} can be written", await _unreachable(state, destination)


def _others_can_read(path: Path) -> str | None:
    if not path.exists():
        return "it is not there"
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"its mode is {mode:o}. Do: chmod go= {path}" if mode & _OTHERS else None


def _too_full(directory: Path) -> str | None:
    free = shutil.disk_usage(directory).free
    return f"only {free >> 20} MiB are left" if free < _ENOUGH_BYTES else None


async def _unreachable(state: State, destination: Destination) -> str | None:
    """Why the destination cannot be used; a file that no load has made yet is only looked for."""
    missing = _file_to_come(destination)
    if missing is not None:
        folder = missing.parent
        return None if os.access(folder, os.W_OK) else f"the folder {folder} is not there or cannot be written"
    wanted = Wanted(destination.destination_type, destination.display_name, dict(destination.fields))
    try:
        problem = await verbs.test(
            state.db, state.keyring, state.installation_id, destination.team_id, wanted, destination.destination_id
        )
    except DayfillError as error:
        return str(error)
    return None if problem and _held_by_our_server(state, problem) else problem


def _file_to_come(destination: Destination) -> Path | None:
    """The file of a destination that is a file, as long as it does not exist."""
    path = Path(str(destination.fields.get("path") or "")).expanduser()
    return path if destination.destination_type == "DWH_DUCKDB" and not path.exists() else None


def _held_by_our_server(state: State, problem: str) -> bool:
    """True if the file is open in the server that works on this data directory, as it should be."""
    lock = state.data_dir / LOCK_FILE
    holder = lock.read_text(encoding="ascii").strip() if lock.exists() else ""
    return bool(holder) and f"process {holder}" in problem
