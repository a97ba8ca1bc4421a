"""``dayfill doctor``: look over an installation, and mend on request what can be mended safely."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from dayfill.app import SPOOL, STATE_FILE, open_state
from dayfill.app.holding import only_server
from dayfill.app.keyring import keyring_file, read_keyring
from dayfill.app.state import snapshot_of
from dayfill.cli.exits import Exit
from dayfill.cli.installation import existing, is_served
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.cli.output import Printer, plain
from dayfill.domain.audit import OPERATOR, Act
from dayfill.domain.reach import Reach
from dayfill.domain.run import MESSAGE_LENGTH
from dayfill.engine import audit
from dayfill.engine.doctor import Report, examine, mend
from dayfill.engine.keyring import broken_seals
from dayfill.engine.spool_folder import left, swept
from dayfill.errors import Permanent, SetupError
from dayfill.roots import placed
from dayfill.secrets import safe
from dayfill.settings import Settings
from dayfill.store import destinations, invariants, teams

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ENOUGH_BYTES = 1 << 30

Finding = tuple[str, str | None, bool]
"""What was looked at, what is to be said of it, and whether it is wrong."""


async def doctor(
    *, repair: Annotated[bool, Parameter(negative=())] = False, options: LocalOptions = LOCAL_DEFAULTS
) -> int:
    """Check state, ledgers, tables, permissions and disk; changes nothing without --repair. A server may run meanwhile.

    Every table is counted by day and held against its ledger, so rows that were edited by hand show where their number
    has changed; `dayfill verify` reads the values. A warehouse file that the running server holds just now cannot be
    looked at: do it again while nothing is loaded, or stop the server.

    --repair needs the server stopped. It counts anew what follows from the runs, removes what a killed server or
    command left in the spool, and makes days stale that a warehouse lost or holds otherwise; a
    backfill --only stale loads them again.

    Exit code: 0 all is well, 1 something is wrong (with --repair: still wrong).

    For example:

        dayfill doctor --data-dir /srv/dayfill
        dayfill doctor --data-dir /srv/dayfill --repair

    Args:
        repair: Mend what can be mended without losing anything, and say what was done.
    """
    settings = options.settings()
    printer = options.printer()
    existing(settings)
    if repair:
        with only_server(settings.data_dir):
            for line in await _repair(settings):
                printer.always(f"repaired: {line}")
            return await _look(settings, printer, served=False)
    return await _look(settings, printer, served=is_served(settings.data_dir))


async def _look(settings: Settings, printer: Printer, *, served: bool) -> int:
    found = [finding async for finding in _findings(settings, served)]
    if printer.output == "table":
        for check, said, is_wrong in found:
            word = "WRONG" if is_wrong else "note" if said else "ok"
            print(plain(f"{word:<6} {check}" + (f": {said}" if said else "")))
    else:
        printer.many([_view(finding) for finding in found], {})
    return Exit.ERROR if any(is_wrong for _, _, is_wrong in found) else Exit.OK


def _view(finding: Finding) -> dict[str, object]:
    check, said, is_wrong = finding
    return {
        "check": check,
        "ok": not is_wrong,
        "problem": said if is_wrong else None,
        "note": None if is_wrong else said,
    }


async def _repair(settings: Settings) -> list[str]:
    directory = settings.data_dir
    report = await _examined(settings)
    # Through what dispatches: with a state that other servers use they must be stopped too.
    async with open_state(settings) as state, state.db.leading().write() as tx:
        done = await mend(tx, report)
        act = Act("installation.repair", state.installation_id, after={"done": done})
        await audit.record(tx, OPERATOR, None, act, state.seams.now())
    if _spooled(directory):
        swept(directory / SPOOL)
        done.append("What a killed server or command left in the spool was removed.")
    return done


async def _examined(settings: Settings) -> Report:
    keyring = read_keyring(settings)
    async with snapshot_of(settings) as state:
        return await examine(state, await teams.installation_id(state) or "", keyring.open, settings.reaches)


async def _findings(settings: Settings, served: bool) -> AsyncIterator[Finding]:
    directory = settings.data_dir
    state = None if settings.state is not None else directory / STATE_FILE
    for path in (directory, state, keyring_file(settings)):
        if path is not None:
            yield _finding(f"only its owner can read {path}", _others_can_read(path))
    yield _finding(f"room on the disk of {directory}", _too_full(directory))
    left = None if served else _spooled(directory)
    yield _finding("nothing is left in the spool", left)
    try:
        async for finding in _seals(settings):
            yield finding
        for finding in _report(await _examined(settings), served):
            yield finding
        async for finding in _destinations(settings):
            yield finding
    except SetupError as error:
        yield f"{directory} can be opened", str(error), True


async def _seals(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the keyring opens what it must: each secret that is lost by its name, the others go on."""
    keyring = read_keyring(settings)
    async with snapshot_of(settings) as state:
        total = (await teams.needs_of_keyring(state)).secrets
        broken = await broken_seals(state, keyring)
    if not broken:
        yield f"the keyring opens {total} stored secrets", None, False
    for one in broken:
        yield "stored secrets open", one, True


def _finding(check: str, problem: str | None) -> Finding:
    return check, problem, problem is not None


def _report(report: Report, served: bool) -> Iterator[Finding]:
    rules = len(invariants.INVARIANTS) + len(invariants.LEDGER_INVARIANTS) * len(report.transfers)
    if not report.violations:
        yield f"{rules} rules of state and ledgers hold", None, False
    for violation in report.violations:
        yield "rules of state and ledgers", violation, True
    for one in report.transfers:
        check = f"tables of {one.name} hold what their ledger says"
        if one.unread is not None:
            yield check, f"not looked at: {safe(one.unread.message, MESSAGE_LENGTH)}", not (served and one.is_held)
        else:
            yield _finding(check, one.problem())


async def _destinations(settings: Settings) -> AsyncIterator[Finding]:
    """Files that the server must be able to write; whether a destination takes a table, `destination test` tries."""
    async with snapshot_of(settings) as state:
        for team in await teams.page(state):
            for one in await destinations.list_all(state, team.team_id):
                if one.destination_type == "DWH_DUCKDB":
                    name = f"destination {one.destination_id} {one.display_name!r} of team {team.team_id}"
                    reach = settings.reaches.of(team.team_id)
                    yield _finding(f"{name} can be written", _unwritable(str(one.fields.get("path") or ""), reach))


def _unwritable(text: str, reach: Reach) -> str | None:
    try:
        path = Path(placed(text, reach).path)
    except Permanent as error:
        return error.message
    for place in (path.parent, path) if path.exists() else (path.parent,):
        if not os.access(place, os.W_OK):
            return f"{place} is not there or cannot be written"
    return None


def _spooled(directory: Path) -> str | None:
    files = left(directory / SPOOL)
    size = sum(path.stat().st_size for path in files)
    return (
        f"a killed server or command left {len(files)} files, {size >> 20} MiB; the next start removes them"
        if files
        else None
    )


def _others_can_read(path: Path) -> str | None:
    if not path.exists():
        return "it is not there"
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"its mode is {mode:o}. Do: chmod go= {path}" if mode & _OTHERS else None


def _too_full(directory: Path) -> str | None:
    free = shutil.disk_usage(directory).free
    return f"only {free >> 20} MiB are left" if free < _ENOUGH_BYTES else None
