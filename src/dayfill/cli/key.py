"""``dayfill key``: API keys of an installation on this machine. A key is shown once and never kept."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from getpass import getpass
from typing import Annotated

from cyclopts import App, Parameter

from dayfill.cli.dates import stamp
from dayfill.cli.exits import CommandError, Exit, usage
from dayfill.cli.installation import Change, changing, existing_state
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.domain.access import SCOPES, Role, RoleName
from dayfill.domain.audit import Act
from dayfill.engine import audited, keys, teams
from dayfill.store import keys as key_rows
from dayfill.store import teams as team_rows

app = App(name="key", help="API keys of this installation.")


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class KeyOptions:
    """What a new key is for."""

    user: str
    "E-mail address of the user whom the key acts for."
    team: int = 1
    "Team id."
    role: RoleName | None = None
    "Role of the user in the team; needed for a new member, changes that of a present one."
    scopes: str = "all"
    "What the key may do, with commas between; all = every scope."
    description: Annotated[str, Parameter(show_default=False)] = ""
    "What the key is for."
    expires: str | None = None
    "After so many days, such as 90d; without it the key does not expire."
    allow_ips: Annotated[str, Parameter(show_default=False)] = ""
    "Addresses and networks that it may be used from, with commas between; without it any."


@app.command
async def create(*, wanted: KeyOptions, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """A new API key, printed once. The user is made if the address is new.

    For example:

        dayfill key create --user ann@example.com --role EDITOR
        dayfill key create --user ci@example.com --role VIEWER \\
            --scopes dwh_transfers_read --expires 90d
        dayfill key create --user etl@example.com --role EDITOR \\
            --allow-ips 192.0.2.7,198.51.100.0/24
    """
    made, printer = await _made(wanted, options, "key.create"), options.printer()
    printer.one({"api_key": made.text} | _view(made.key))
    printer.note("This is the only time that the key is shown.")
    return Exit.OK


@app.command(name="import")
async def import_(*, wanted: KeyOptions, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """A key that another installation has made is to work here too, so that its programs need no new one.

    The key is read from standard input, where no list of processes shows it. The user is made if the address is new.

    For example:

        dayfill key import --user ann@example.com --role EDITOR < key.txt
    """
    text = getpass("Key: ") if sys.stdin.isatty() else sys.stdin.readline()
    made = await _made(wanted, options, "key.import", text.strip() or "nothing")
    options.printer().one(_view(made.key))
    return Exit.OK


async def _made(wanted: KeyOptions, options: LocalOptions, action: str, text: str | None = None) -> keys.NewKey:
    async with changing(options.settings(), wanted.team) as change:
        seams = change.state.seams
        made = await keys.create(
            change.tx,
            seams,
            change.state.keyring,
            wanted.team,
            await _member(change, wanted.user, wanted.role),
            scopes=SCOPES if wanted.scopes == "all" else _listed_in(wanted.scopes),
            description=wanted.description,
            expires_time=None if wanted.expires is None else _end(wanted.expires, seams.now()),
            allow_ips=_listed_in(wanted.allow_ips),
            text=text,
        )
        await change.record(Act(action, made.key.api_key_id, after=audited.api_key(made.key)))
    return made


@app.command(name="list")
async def list_(*, team: int = 1, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """The keys of a team's users, by their first characters.

    For example:

        dayfill key list --team 1

    Args:
        team: Team id.
    """
    async with existing_state(options.settings()) as state:
        found = await key_rows.page(state.db, team)
    columns = {
        "ID": "api_key_id",
        "STARTS": "key_start",
        "USER": "user_id",
        "ENABLED": "is_enabled",
        "EXPIRES": "expires_time",
        "LAST USED": "last_used_time",
        "DESCRIPTION": "description",
    }
    options.printer().many([_view(key) for key in found], columns)
    return Exit.OK


@app.command
async def rotate(
    api_key_id: str, /, *, overlap: str = "24h", team: int = 1, options: LocalOptions = LOCAL_DEFAULTS
) -> int:
    """A second key in place of a first one, printed once. The first one goes on for a while, then it has expired.

    For example:

        dayfill key rotate apk_1B2c3D4e
        dayfill key rotate apk_1B2c3D4e --overlap 7d

    Args:
        api_key_id: Id of the key, as `dayfill key list` shows it.
        overlap: How long the first key goes on, such as 24h or 7d; 0h ends it at once.
        team: Team id.
    """
    beside = _overlap(overlap)
    async with changing(options.settings(), team) as change:
        tx, state = change.tx, change.state
        before = await keys.read(tx, team, api_key_id)
        new, ended = await keys.rotate(tx, state.seams, state.keyring, team, api_key_id, beside)
        after = {**audited.api_key(ended), "new_api_key_id": new.key.api_key_id}
        await change.record(Act("key.rotate", api_key_id, audited.api_key(before), after))
    printer = options.printer()
    printer.one({"api_key": new.text} | _view(new.key))
    assert ended.expires_time is not None
    printer.note(f"This is the only time that the key is shown. {api_key_id} ends at {stamp(ended.expires_time)}.")
    return Exit.OK


@app.command
async def disable(api_key_id: str, /, *, team: int = 1, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Disable a key for good; the next request with it is refused.

    For example:

        dayfill key disable apk_1B2c3D4e

    Args:
        api_key_id: Id of the key, as `dayfill key list` shows it.
        team: Team id.
    """
    async with changing(options.settings(), team) as change:
        before = await keys.read(change.tx, team, api_key_id)
        key = await keys.disable(change.tx, team, api_key_id)
        await change.record(Act("key.disable", api_key_id, audited.api_key(before), audited.api_key(key)))
    options.printer().one(_view(key))
    return Exit.OK


async def _member(change: Change, email: str, role: RoleName | None) -> int:
    """The id of the team's user with this address, in this role."""
    tx, team_id = change.tx, change.team_id
    known = await team_rows.user_id_of(tx, email.strip().lower())
    present = None if known is None else await team_rows.member(tx, team_id, known)
    if present is not None and role is None:
        return present.user_id
    if role is None:
        raise CommandError(
            f"{email} is not in team {team_id} yet.", Exit.USAGE, hint=f"Add --role, one of {_listed(Role)}."
        )
    member = await teams.add_member(tx, change.state.seams, team_id, email, Role(role))
    before, action = (None, "member.add") if present is None else (audited.member(present), "member.role")
    await change.record(Act(action, member.user_id, before, audited.member(member)))
    return member.user_id


def _listed_in(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _listed(roles: Iterable[Role]) -> str:
    return ", ".join(role.value for role in roles)


def _end(expires: str, now: datetime) -> datetime:
    found = re.fullmatch(r"([1-9]\d{0,4})d", expires, re.ASCII)
    if not found:
        raise usage(f"--expires {expires!r} is not a number of days; write 90d.")
    return now + timedelta(days=int(found[1]))


def _overlap(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,3})([hd])", text, re.ASCII)
    span = None if found is None else timedelta(**{{"h": "hours", "d": "days"}[found[2]]: int(found[1])})
    if span is None or span > keys.LONGEST_OVERLAP:
        raise usage(f"--overlap {text!r} is not a time span of at most {keys.LONGEST_OVERLAP.days}d; write 24h or 7d.")
    return span


def _view(key: key_rows.ApiKey) -> dict[str, object]:
    return {
        "api_key_id": key.api_key_id,
        "key_start": key.key_start,
        "user_id": key.user_id,
        "description": key.description,
        "scope_names": sorted(key.scopes),
        "allow_ips": list(key.allow_ips),
        "is_enabled": key.is_enabled,
        "expires_time": key.expires_time and stamp(key.expires_time),
        "last_used_time": key.last_used_time and stamp(key.last_used_time),
        "created_time": stamp(key.created_time),
        "only_team_id": key.only_team_id,
    }
