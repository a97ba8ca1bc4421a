"""Teams and their users, of the vendor's management API: read only."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from dayfill.api.wire import Answer, Call
from dayfill.errors import Missing
from dayfill.store import teams

MOST_USERS = 1_000
ACTIVE = 1
"""The one status that a team has here."""


class TeamView(msgspec.Struct):
    team_id: int
    name: str
    display_id: str
    created_at: str
    status: int = ACTIVE


class UserView(msgspec.Struct):
    """A user in one team; without a role if it is one of a later version, which allows nothing here."""

    user_id: int
    email: str
    first_name: str
    last_name: str
    created_at: str
    role: str | UnsetType = UNSET


async def get(call: Call) -> Answer:
    team = await teams.get(call.server.db, call.team_id)
    if team is None:
        raise Missing("Team not found; check its number.")
    return Answer(200, TeamView(team.team_id, team.name, f"SM_{team.team_id}", _moment(team.created_time)))


async def users(call: Call) -> Answer:
    """Who is in the team, and may use it: a disabled user is not listed."""
    found = [member for member in await teams.members(call.server.db, call.team_id) if member.is_enabled]
    return Answer(
        200,
        [
            UserView(
                one.user_id,
                one.email,
                one.first_name,
                one.last_name,
                _moment(one.created_time),
                UNSET if one.role is None else one.role.value,
            )
            for one in found[:MOST_USERS]
        ],
    )


def _moment(instant: datetime) -> str:
    """Whole seconds in UTC, with the offset that the vendor's management API writes."""
    return instant.isoformat()[:19] + "+00:00"
