"""What somebody tried and was not allowed to, where that is worth knowing: keys, members, logins, and secrets."""

from __future__ import annotations

from collections.abc import Callable

from dayfill.api.repeats import note
from dayfill.api.wire import ERRORS, Call
from dayfill.domain.audit import Act
from dayfill.errors import Denied, Refused

EVERY_SECONDS = 60.0


class Refusals:
    """Writes the first one a minute of each key at each route into the audit log: who loops must not fill that."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._told: dict[tuple[str, str, str], float] = {}

    async def note(self, call: Call, path: str, error: Denied | Refused) -> None:
        """A member of the team asked for what is watched and may not have it. path: without its mount."""
        route = call.route
        if not route.watched or call.team_id not in call.caller.roles:
            return
        if not self._is_due((call.caller.key_id, route.method, route.path)):
            return
        why = {"status": ERRORS[type(error)][0], "code": error.code, "description": error.description}
        await note(call, Act("request.refused", f"{route.method} {path}", after=why))

    def _is_due(self, place: tuple[str, str, str]) -> bool:
        now = self._monotonic()
        self._told = {one: when for one, when in self._told.items() if now - when < EVERY_SECONDS}
        if place in self._told:
            return False
        self._told[place] = now
        return True
