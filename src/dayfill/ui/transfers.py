"""All transfers of the team in a list."""

from __future__ import annotations

from collections.abc import Mapping
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
    needy = query.get("show") == "needs"
    lines = await boards.transfers(site.db, visit.team_id, after, boards.PAGE + 1, part, needy=needy)
    shown = lines[: boards.PAGE]
    active = await boards.active_backfills(site.db, visit.team_id)
    states = await lists.states(visit, shown, active)
    return visit.page(
        "transfers_moving.html" if visit.is_htmx else "transfers.html",
        title="Transfers",
        after=after,
        rows=[(one, await lists.strip_of(visit, one, STRIP_DAYS)) for one in states if one.needs_somebody or not needy],
        part=part,
        needy=needy,
        first=_page({"name": part, "show": "needs" if needy else ""}),
        next=_page(dict(query) | {"after": shown[-1].name}) if len(lines) > boards.PAGE else None,
        active_backfills=len(active),
    )


def _page(query: Mapping[str, str]) -> str:
    """The link to the list with these filters; a word about what was done is no filter."""
    given = {name: value for name, value in query.items() if value and name != "toast"}
    return f"/transfers?{urlencode(given)}" if given else "/transfers"
