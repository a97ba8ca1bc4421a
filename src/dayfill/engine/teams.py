"""Verbs on the installation, its teams and their users."""

from __future__ import annotations

from dayfill.domain.access import Role
from dayfill.errors import Missing, Refused
from dayfill.seams import Seams
from dayfill.store import teams
from dayfill.store.db import Tx

LONGEST_NAME, LONGEST_EMAIL = 255, 254


async def ensure_installation(tx: Tx, seams: Seams) -> str:
    """The installation's id, made at the first call and the same ever after."""
    known = await teams.installation_id(tx)
    if known is not None:
        return known
    made = str(seams.new_id())
    await teams.insert_installation(tx, made, seams.now())
    return made


async def create(tx: Tx, seams: Seams, name: str) -> teams.Team:
    """A new team without members.

    Raises:
        Refused: no name, or one longer than 255 characters.
    """
    return await teams.insert(tx, _text("The team's name", name, LONGEST_NAME), seams.now())


async def add_member(
    tx: Tx, seams: Seams, team_id: int, email: str, role: Role, *, first_name: str = "", last_name: str = ""
) -> teams.Member:
    """Give a person this role in the team; the user is made if the address is new.

    An empty first name becomes the part of the address before the @, an empty last name the role.

    Raises:
        Missing: no such team.
        Refused: not an e-mail address, a name that is too long, or the last owner would lose that role.
    """
    if await teams.get(tx, team_id) is None:
        raise Missing(f"Team {team_id} does not exist; see dayfill team list.")
    address = email_address(email)
    user_id = await teams.user_id_of(tx, address)
    if user_id is None:
        first = _text("The first name", first_name or address.partition("@")[0], LONGEST_NAME)
        last = _text("The last name", last_name or role.value.title(), LONGEST_NAME)
        user_id = await teams.insert_user(tx, address, first, last, seams.now())
    elif role is not Role.OWNER and (present := await teams.member(tx, team_id, user_id)) is not None:
        await refuse_last_owner(tx, team_id, present)
    await teams.set_member(tx, team_id, user_id, role, seams.now())
    member = await teams.member(tx, team_id, user_id)
    assert member is not None
    return member


def email_address(email: str) -> str:
    """An e-mail address as it is stored: in lower case.

    Raises:
        Refused: it is not an e-mail address.
    """
    address = _text("The e-mail address", email, LONGEST_EMAIL).lower()
    local, at, host = address.partition("@")
    if not (local and at and host) or "@" in host or any(c.isspace() for c in address):
        raise Refused(f"{email!r} is not an e-mail address: send one such as ada@example.com.")
    return address


async def refuse_last_owner(tx: Tx, team_id: int, member: teams.Member) -> None:
    """A team that has lost its last owner could not make one by itself.

    Raises:
        Refused: this member is the last owner whose keys work.
    """
    others = [one for one in await teams.members(tx, team_id) if one.user_id != member.user_id and one.is_enabled]
    if member.role is Role.OWNER and not any(one.role is Role.OWNER for one in others):
        raise Refused(f"{member.email} is the last owner of team {team_id}: make somebody else an owner first.")


def _text(what: str, value: str, longest: int) -> str:
    text = value.strip()
    if not 0 < len(text) <= longest:
        raise Refused(f"{what} must have 1 to {longest} characters.")
    return text
