"""``dayfill member``: who is in the teams of an installation on this machine, and in which role."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from dayfill.cli.dates import stamp
from dayfill.cli.exits import CommandError, Exit
from dayfill.cli.installation import changing, existing_state
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.domain.access import Role, RoleName
from dayfill.domain.audit import Act
from dayfill.engine import audited, members
from dayfill.store import keys, teams
from dayfill.store.db import Reader

app = App(name="member", help="Who is in the teams of this installation, and in which role.")

Name = Annotated[str, Parameter(show_default=False)]

_COLUMNS = {"ID": "user_id", "E-MAIL": "email", "ROLE": "role", "ENABLED": "is_enabled", "CREATED": "created_time"}


@app.command(name="list")
async def list_(*, team: int = 1, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """The members of a team, oldest first.

    For example:

        dayfill member list --team 1

    Args:
        team: Team id.
    """
    async with existing_state(options.settings()) as state:
        found = await teams.members(state.db, team)
    options.printer().many([_view(member) for member in found], _COLUMNS)
    return Exit.OK


@app.command
async def add(
    email: str,
    /,
    *,
    role: RoleName,
    team: int = 1,
    first_name: Name = "",
    last_name: Name = "",
    options: LocalOptions = LOCAL_DEFAULTS,
) -> int:
    """A new member of a team, who may be in others too. The user is made if the address is new.

    For example:

        dayfill member add ann@example.com --role EDITOR

    Args:
        email: E-mail address of the user.
        role: What the user may do in the team.
        team: Team id.
        first_name: Of a new user; else what stands before the @.
        last_name: Of a new user; else the role.
    """
    async with changing(options.settings(), team) as change:
        member = await members.add(
            change.tx, change.state.seams, team, email, Role(role), first_name=first_name, last_name=last_name
        )
        await change.record(Act("member.add", member.user_id, after=audited.member(member)))
        theirs = [key for key in await keys.page(change.tx, team) if key.user_id == member.user_id and key.is_enabled]
        held = [key for key in theirs if key.only_team_id in (None, team)]
    printer = options.printer()
    printer.one(_view(member))
    if held:
        printer.note(
            f"{member.email} has {len(held)} API keys already, maybe made by who manages another team; they reach team "
            f"{team} from now on. `dayfill key list --team {team}` names them, `dayfill key disable` ends one."
        )
    return Exit.OK


@app.command
async def role(user: str, role: RoleName, /, *, team: int = 1, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Change the role of a member; it counts at the next request of the user's keys.

    For example:

        dayfill member role ann@example.com ADMIN

    Args:
        user: Id or e-mail address of the member.
        role: What the user may do in the team from now on.
        team: Team id.
    """
    async with changing(options.settings(), team) as change:
        before = await members.read(change.tx, team, await _user_id(change.tx, team, user))
        member = await members.set_role(change.tx, change.state.seams, team, before.user_id, Role(role))
        await change.record(Act("member.role", member.user_id, audited.member(before), audited.member(member)))
    options.printer().one(_view(member))
    return Exit.OK


@app.command
async def remove(user: str, /, *, team: int = 1, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Take a user out of a team; the next request of the user's keys there is refused.

    For example:

        dayfill member remove ann@example.com

    Args:
        user: Id or e-mail address of the member.
        team: Team id.
    """
    async with changing(options.settings(), team) as change:
        member = await members.remove(change.tx, team, await _user_id(change.tx, team, user))
        await change.record(Act("member.remove", member.user_id, audited.member(member)))
    options.printer().note(f"{member.email} is in team {team} no longer.")
    return Exit.OK


@app.command
async def disable(user: str, /, *, team: int = 1, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Disable a user in every team; the next request of all the user's keys is refused.

    For example:

        dayfill member disable ann@example.com

    Args:
        user: Id or e-mail address of the member.
        team: Id of a team that the user is in.
    """
    return await _set_enabled(user, False, team, options)


@app.command
async def enable(user: str, /, *, team: int = 1, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Enable a user again; keys that were not disabled themselves work as before.

    For example:

        dayfill member enable ann@example.com

    Args:
        user: Id or e-mail address of the member.
        team: Id of a team that the user is in.
    """
    return await _set_enabled(user, True, team, options)


async def _set_enabled(user: str, is_enabled: bool, team: int, options: LocalOptions) -> int:
    async with changing(options.settings(), team) as change:
        before = await members.read(change.tx, team, await _user_id(change.tx, team, user))
        member = await members.set_enabled(change.tx, team, before.user_id, is_enabled)
        verb = "member.enable" if is_enabled else "member.disable"
        await change.record(Act(verb, member.user_id, audited.member(before), audited.member(member)))
    options.printer().one(_view(member))
    return Exit.OK


async def _user_id(db: Reader, team_id: int, user: str) -> int:
    if user.isascii() and user.isdigit():
        return int(user)
    for member in await teams.members(db, team_id):
        if member.email == user.strip().lower():
            return member.user_id
    raise CommandError(f"Team {team_id} has no member {user!r}.", hint="See `dayfill member list`.")


def _view(member: teams.Member) -> dict[str, object]:
    return {
        "user_id": member.user_id,
        "email": member.email,
        "first_name": member.first_name,
        "last_name": member.last_name,
        "role": member.role and member.role.value,
        "is_enabled": member.is_enabled,
        "created_time": stamp(member.created_time),
    }
