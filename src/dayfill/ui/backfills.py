"""All backfills of the team: those at work first, then those that have ended."""

from __future__ import annotations

from starlette.responses import Response

from dayfill.store import boards
from dayfill.ui import lists
from dayfill.ui.visit import Visit

MOST_CHOICES = 500


async def page(visit: Visit) -> Response:
    """The active ones and a page of the others, or the moving part."""
    site, before, transfer_id = visit.site, lists.cursor_of(visit), lists.filter_id(visit, "transfer")
    found = await lists.active_of(visit)
    active = [one for one in found if transfer_id in (None, one.backfill.transfer_id)] if before is None else []
    ended = await boards.ended_backfills(site.db, visit.team_id, transfer_id, before, boards.PAGE + 1)
    shown = ended[: boards.PAGE]
    wanted = {one.transfer_id for one in shown} | ({transfer_id} if transfer_id else set())
    last = boards.cursor(shown[-1].created_time, shown[-1].backfill_id) if len(ended) > boards.PAGE else None
    return visit.page(
        "backfills_moving.html" if visit.is_htmx else "backfills.html",
        title="Backfills",
        active=active,
        active_backfills=len(found),
        ended=shown,
        names=await boards.names(site.db, visit.team_id, wanted),
        before=before,
        transfer_id=transfer_id,
        choices=await boards.choices(site.db, visit.team_id, MOST_CHOICES),
        next=lists.older(visit, last) if last else None,
    )
