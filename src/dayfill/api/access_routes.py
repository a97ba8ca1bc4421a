"""Routes of those who manage a team: its API keys, and its audit log."""

from __future__ import annotations

from dayfill.api import audit, keys
from dayfill.api.shell_routes import TEAM
from dayfill.api.wire import Route
from dayfill.domain.access import Permission

MANAGED = "/x/v1" + TEAM
KEYS = MANAGED + "/keys"
KEY = KEYS + "/{api_key_id}"
MANAGE = ("team_manage", Permission.TEAM_MANAGE)

ACCESS: tuple[Route, ...] = (
    Route("GET", MANAGED + "/audit", audit.list_, *MANAGE),
    Route("GET", KEYS, keys.list_, *MANAGE),
    Route("POST", KEYS, keys.create, *MANAGE, writes=True),
    Route("GET", KEY, keys.get, *MANAGE),
    Route("POST", KEY + "/rotate", keys.rotate, *MANAGE, writes=True),
    Route("POST", KEY + "/disable", keys.disable, *MANAGE, writes=True),
)
