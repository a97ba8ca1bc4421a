"""All transfers of the team in a list."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from dayfill.store import boards
from dayfill.ui import lists
from dayfill.ui.visit import Visit

STRIP_DAYS, LONGEST_NAME = 30, 255


async def page(visit: Visit) -> Response:
    """A page of them by name, or its moving part."""
    site, query = visit.site, visit.request.query_params
    after, part = query.get("after", ""), query.get("name", "").strip()[:LONGEST_NAME]
    lines = await boards.transfers(site.db, visit.team_id, after, boards.PAGE + 1, part)
    shown = lines[: boards.PAGE]
    active = await boards.active_backfills(site.db, visit.team_id)
    states = await lists.states(visit, shown, active)
    return visit.page(
        "transfers_moving.html" if visit.is_htmx else "transfers.html",
        title="Transfers",
        after=after,
        rows=[(one, await lists.strip_of(visit, one, STRIP_DAYS)) for one in states],
        part=part,
        next=f"/transfers?{urlencode({'name': part, 'after': shown[-1].name})}" if len(lines) > boards.PAGE else None,
        active_backfills=len(active),
    )
