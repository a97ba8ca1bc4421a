"""The same by the command line, by curl and in Python: what "Copy as" copies. A key is named, never shown."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dayfill.domain.days import WHOLE, DayRange
from dayfill.domain.destination import Destination


@dataclass(frozen=True, slots=True)
class Copied:
    cli: str
    curl: str
    python: str


def create_backfill(base: str, team_id: int, transfer_id: int, span: DayRange, only: Sequence[str] = ()) -> Copied:
    """A backfill of these days. base: the address of the server, with a slash at its end."""
    body: dict[str, object] = {"range_start": str(span.start), "range_end": str(span.end)}
    if only:
        body["only"] = list(only)
    choice = f" --only {','.join(only)}" if only else ""
    cli = f"dayfill backfill create {transfer_id} {span.start} {span.end}{choice} --wait"
    return _copied(cli, "POST", f"{base}x/v1/teams/{team_id}/transfers/{transfer_id}/backfills", body)


def show_days(base: str, team_id: int, transfer_id: int) -> Copied:
    """The days of a transfer."""
    path = f"{base}x/v1/teams/{team_id}/transfers/{transfer_id}/days"
    return _copied(f"dayfill days {transfer_id}", "GET", path)


def load_day(base: str, team_id: int, transfer_id: int, day: date) -> Copied:
    """One day, now; tables without days with the refresh window."""
    path = f"{base}x/v1/teams/{team_id}/transfers/{transfer_id}/runs"
    if day == WHOLE:
        return _copied(f"dayfill transfer run {transfer_id}", "POST", path, {})
    return _copied(f"dayfill backfill create {transfer_id} {day} {day} --wait", "POST", path, {"dates": [str(day)]})


def run_now(base: str, team_id: int, transfer_id: int) -> Copied:
    """The refresh window of a transfer, now."""
    path = f"{base}x/v1/teams/{team_id}/transfers/{transfer_id}/runs"
    return _copied(f"dayfill transfer run {transfer_id}", "POST", path, {})


def turn_transfer(base: str, team_id: int, transfer_id: int, verb: str) -> Copied:
    """Pause or resume the schedule of a transfer."""
    state = {"transfer_state": "pause" if verb == "pause" else "unpause"}
    path = f"{base}teams/{team_id}/transfers/{transfer_id}/state"
    return _copied(f"dayfill transfer {verb} {transfer_id}", "PUT", path, state)


def change_backfill(base: str, team_id: int, backfill_id: int, verb: str) -> Copied:
    """Pause, resume, retry or cancel a backfill."""
    cli = f"dayfill backfill {verb} {backfill_id}" + (" --yes" if verb == "cancel" else "")
    if verb == "cancel":
        return _copied(cli, "PATCH", f"{base}teams/{team_id}/backfills/{backfill_id}", {"status": "CANCELLED"})
    return _copied(cli, "POST", f"{base}x/v1/teams/{team_id}/backfills/{backfill_id}/{verb}")


def try_destination(base: str, team_id: int, one: Destination) -> Copied:
    """Whether a destination can be reached and written; the server fills in its secrets."""
    body = {"type": one.destination_type, "display_name": one.display_name, "fields": dict(one.fields)}
    path = f"{base}teams/{team_id}/destinations/test-connection"
    named = body | {"destination_id": one.destination_id}
    return _copied(f"dayfill destination test {one.destination_id}", "POST", path, named)


def list_accounts(base: str, connection_id: int) -> Copied:
    """What a connection reaches, which tries it."""
    return _copied("", "GET", f"{base}ds/login/{connection_id}/accounts")


def _copied(cli: str, method: str, url: str, body: object = None) -> Copied:
    curl = f'curl -X {method} {url} -H "Authorization: Bearer $DAYFILL_API_KEY"'
    python = f'import os, httpx\n\nanswer = httpx.request(\n    "{method}", "{url}",\n'
    python += '    headers={"Authorization": f"Bearer {os.environ[\'DAYFILL_API_KEY\']}"},\n'
    if body is not None:
        curl += f" -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
        python += f"    json={body!r},\n"
    return Copied(cli, curl, python + ")\nprint(answer.raise_for_status().json())\n")
