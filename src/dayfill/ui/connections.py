"""Connections of the team: logins at data sources, what uses them, what they wait for."""

from __future__ import annotations

from starlette.responses import Response

from dayfill.domain.access import Permission
from dayfill.domain.audit import Act
from dayfill.engine import accounts, sources
from dayfill.errors import Busy, Missing, Refused
from dayfill.store import boards, connections
from dayfill.ui import answers
from dayfill.ui.copied import list_accounts
from dayfill.ui.render import plural
from dayfill.ui.visit import Visit

MOST = 500


async def page(visit: Visit) -> Response:
    site = visit.site
    return visit.page(
        "connections.html",
        title="Connections",
        connections=await connections.list_all(site.db, visit.team_id, MOST),
        transfers=await boards.transfers_per_connection(site.db, visit.team_id),
        rests=await boards.rests_of_connections(site.db, visit.team_id),
        now=site.seams.now(),
        keeping={kind.kind for kind in sources.all_kinds() if sources.secrets_of(kind.kind)},
        listing={kind.kind for kind in sources.all_kinds() if kind.lists_accounts},
        copied=lambda connection_id: list_accounts(str(visit.request.base_url), connection_id),
        active_backfills=await boards.count_active(site.db, visit.team_id),
    )


async def test(visit: Visit) -> Response:
    """Ask the source with this login what accounts it reaches; nothing is changed by it."""
    visit.needs(Permission.LOGIN_EDIT)
    site, connection_id = visit.site, visit.path_id("connection_id")
    one = await connections.get(site.db, visit.team_id, connection_id)
    if one is None:
        raise Missing("There is no connection with this number in your team. Choose one from the list.")
    problem, found = None, 0
    try:
        found = len(await accounts.of_login(site.keyring, one, site.reaches.of(visit.team_id)))
    except (Refused, Busy) as error:
        problem = error.description
    tried = {"data_source_id": one.data_source_id, "success": problem is None}
    async with site.db.write() as tx:
        await answers.record(visit, tx, Act("connection.test", connection_id, after=tried))
    good = f"The source accepts it; it reaches {plural(found, 'account')}."
    if not visit.is_htmx:
        return visit.to("/connections", f"{one.username}: {problem or good}")
    return visit.page("tested.html", problem=problem, good=good, at=site.seams.now())
