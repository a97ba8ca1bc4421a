"""Verbs on the members of a team. Over the API only owners may make, change or remove owners; one always remains."""

from __future__ import annotations

from dayfill.domain.access import Caller, Role, may_manage
from dayfill.engine.teams import add_member, email_address, refuse_last_owner
from dayfill.errors import Conflict, Denied, Missing, Refused
from dayfill.seams import Seams
from dayfill.store import sessions, teams
from dayfill.store.db import Reader, Tx


async def add(
    tx: Tx,
    seams: Seams,
    team_id: int,
    email: str,
    role: Role,
    *,
    first_name: str = "",
    last_name: str = "",
    manager: Caller | None = None,
) -> teams.Member:
    """A new member; the user is made if the address is new. manager: who asks for it; None is the operator.

    Raises:
        Missing: no such team. Conflict: already a member. Denied: an owner, and the manager is not one.
        Refused: not an e-mail address, or a name that is too long; somebody of another team, whom only the operator
            may add: a team can neither draw people in nor find out who is in others.
    """
    user_id = await teams.user_id_of(tx, email_address(email))
    roles = {} if user_id is None else await teams.roles_of(tx, user_id)
    if team_id in roles:
        raise Conflict(f"{email} is in team {team_id} already; change the role instead.")
    if manager is not None:
        _refuse_above(manager, team_id, role)
        if roles:
            raise Refused(f"{email} belongs to another team: ask the operator of this server for dayfill member add.")
    return await add_member(tx, seams, team_id, email, role, first_name=first_name, last_name=last_name)


async def set_role(
    tx: Tx, seams: Seams, team_id: int, user_id: int, role: Role, manager: Caller | None = None
) -> teams.Member:
    """Another role for a member; keys of that user may do what it allows at their next request, and pages after a new
    sign-in.

    Raises:
        Missing: no such member. Denied: an owner, before or after, and the manager is not one. Refused: the last owner.
    """
    member = await read(tx, team_id, user_id)
    if manager is not None:
        _refuse_above(manager, team_id, member.role)
        _refuse_above(manager, team_id, role)
    if role is not Role.OWNER:
        await refuse_last_owner(tx, team_id, member)
    await teams.set_member(tx, team_id, user_id, role, seams.now())
    await sessions.end_of_user(tx, user_id)
    return await read(tx, team_id, user_id)


async def remove(tx: Tx, team_id: int, user_id: int, manager: Caller | None = None) -> teams.Member:
    """Take a user out of the team; the next request of their keys finds no way in. Returns who that was.

    Raises:
        Missing: no such member. Denied: an owner, and the manager is not one. Refused: the last owner.
    """
    member = await read(tx, team_id, user_id)
    if manager is not None:
        _refuse_above(manager, team_id, member.role)
    await refuse_last_owner(tx, team_id, member)
    await teams.remove_member(tx, team_id, user_id)
    await sessions.end_of_user(tx, user_id)
    return member


async def set_enabled(tx: Tx, team_id: int, user_id: int, is_enabled: bool) -> teams.Member:
    """Disable the user of a member, which all keys of that user heed at their next request, or enable one again.

    It holds in every team of the user, so it is the operator's alone.

    Raises:
        Missing: no such member. Refused: the last owner of a team.
    """
    await read(tx, team_id, user_id)
    if not is_enabled:
        for each in await teams.roles_of(tx, user_id):
            await refuse_last_owner(tx, each, await read(tx, each, user_id))
    await teams.set_user_enabled(tx, user_id, is_enabled)
    return await read(tx, team_id, user_id)


async def read(db: Reader, team_id: int, user_id: int) -> teams.Member:
    """A member.

    Raises:
        Missing: the team has no such user.
    """
    member = await teams.member(db, team_id, user_id)
    if member is None:
        raise Missing("Member not found; list those of the team.")
    return member


def _refuse_above(manager: Caller, team_id: int, theirs: Role | None) -> None:
    if not may_manage(manager.roles.get(team_id), theirs):
        raise Denied("Only an owner may add, change or remove an owner: ask one.")
