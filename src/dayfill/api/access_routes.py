"""Routes of those who manage a team: its members, its API keys and its audit log."""

from __future__ import annotations

from dayfill.api import audit, keys, members
from dayfill.api.routing import TEAM
from dayfill.api.wire import Route
from dayfill.domain.access import Permission

MANAGED = "/x/v1" + TEAM
KEYS = MANAGED + "/keys"
KEY = KEYS + "/{api_key_id}"
MEMBERS = MANAGED + "/members"
MANAGE = ("team_manage", Permission.TEAM_MANAGE)

ACCESS: tuple[Route, ...] = (
    Route("GET", MANAGED + "/audit", audit.list_, *MANAGE),
    Route("GET", KEYS, keys.list_, *MANAGE),
    Route("POST", KEYS, keys.create, *MANAGE, writes=True, watched=True),
    Route("GET", KEY, keys.get, *MANAGE),
    Route("POST", KEY + "/rotate", keys.rotate, *MANAGE, writes=True, watched=True),
    Route("POST", KEY + "/disable", keys.disable, *MANAGE, writes=True, watched=True),
    Route("GET", MEMBERS, members.list_, *MANAGE),
    Route("POST", MEMBERS, members.add, *MANAGE, writes=True, watched=True),
    Route("PATCH", MEMBERS + "/{user_id}", members.set_role, *MANAGE, writes=True, watched=True),
    Route("DELETE", MEMBERS + "/{user_id}", members.remove, *MANAGE, writes=True, watched=True),
)
