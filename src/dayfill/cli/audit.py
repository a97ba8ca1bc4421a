"""``dayfill audit``: who did what in an installation on this machine."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from dayfill.cli.dates import span, stamp
from dayfill.cli.exits import Exit, usage
from dayfill.cli.installation import existing_state
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.store import audit as rows

COLUMNS = {
    "TIME": "audit_time",
    "TEAM": "team_id",
    "ACTOR": "actor",
    "USER": "user_id",
    "ADDRESS": "address",
    "ACTION": "action",
    "OBJECT": "object",
    "BEFORE": "before",
    "AFTER": "after",
}


async def audit(
    *,
    team: int | None = None,
    object: str | None = None,
    user: int | None = None,
    since: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    limit: int = 100,
    options: LocalOptions = LOCAL_DEFAULTS,
) -> int:
    """Who did what, newest first: requests with a key, pages, this command line, and decisions of the dispatcher.

    For example:

        dayfill audit --team 1 --limit 20
        dayfill audit --object transfer:7 --since -30d

    Args:
        team: Team id; without it all teams, and what is about none.
        object: Kind and id, such as transfer:7, destination:3, key:apk_1B2c3D4e or member:2.
        user: Id of the user whose key it was.
        since: First day, such as 2024-06-01 or -30d.
        limit: How many rows.
    """
    if limit < 1:
        raise usage(f"--limit {limit} is not a number of rows.")
    async with existing_state(options.settings()) as state:
        first = since and datetime.combine(span(since, state.seams.now().date())[0], time(), UTC)
        found = await rows.latest(state.db, team, rows.Filter(object, user, first or None), limit)
    options.printer().many([_view(entry) for entry in found], COLUMNS)
    return Exit.OK


def _view(entry: rows.Entry) -> dict[str, Any]:
    return {
        "audit_id": entry.audit_id,
        "audit_time": stamp(entry.audit_time),
        "team_id": entry.team_id,
        "actor": entry.actor.kind,
        "user_id": entry.actor.user_id,
        "api_key_id": entry.actor.api_key_id,
        "address": entry.actor.address,
        "request_id": entry.actor.request_id,
        "action": entry.action,
        "object": entry.object,
        "before": entry.before and msgspec.json.decode(entry.before),
        "after": entry.after and msgspec.json.decode(entry.after),
    }
