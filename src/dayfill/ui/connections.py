"""Connections of the team: logins at data sources, what uses them, what they wait for."""

from __future__ import annotations

from starlette.responses import Response

from dayfill.store import boards, connections
from dayfill.ui.visit import Visit

MOST = 500


async def page(visit: Visit) -> Response:
    site = visit.site
    return visit.page(
        "connections.html",
        title="Connections",
        connections=await connections.list_all(site.db, visit.team_id, MOST),
        users=await boards.users_of_connections(site.db, visit.team_id),
        rests=await boards.rests_of_connections(site.db, visit.team_id),
        now=site.seams.now(),
        active_backfills=await boards.count_active(site.db, visit.team_id),
    )
