"""Destinations of the team, and the test whether one can be reached and written."""

from __future__ import annotations

from starlette.responses import Response

from dayfill.domain.access import Permission
from dayfill.domain.audit import Act
from dayfill.domain.destination import Wanted
from dayfill.engine import destinations as verbs
from dayfill.errors import Exceeded, Missing, Refused
from dayfill.store import boards, destinations
from dayfill.ui import answers
from dayfill.ui.copied import try_destination
from dayfill.ui.visit import Visit


async def page(visit: Visit) -> Response:
    site = visit.site
    return visit.page(
        "destinations.html",
        title="Destinations",
        destinations=await destinations.list_all(site.db, visit.team_id),
        transfers=await boards.transfers_per_destination(site.db, visit.team_id),
        rests=await boards.rests_of_destinations(site.db, visit.team_id),
        now=site.seams.now(),
        copied=lambda one: try_destination(str(visit.request.base_url), visit.team_id, one),
        active_backfills=await boards.count_active(site.db, visit.team_id),
    )


async def test(visit: Visit) -> Response:
    """Try one as it is stored; nothing is changed by it."""
    visit.needs(Permission.TRANSFER_EDIT)
    site, destination_id = visit.site, visit.path_id("destination_id")
    one = await destinations.get(site.db, visit.team_id, destination_id)
    if one is None:
        raise Missing("There is no destination with this number in your team. Choose one from the list.")
    wanted = Wanted(one.destination_type, one.display_name, dict(one.fields), one.auth_method)
    reach = site.reaches.of(visit.team_id)
    try:
        whose = site.installation_id, visit.team_id
        problem = await site.trials.run(
            visit.team_id, lambda: verbs.test(site.db, site.keyring, *whose, wanted, destination_id, reach)
        )
    except (Refused, Exceeded) as error:
        problem = error.description
    tried = {"type": one.destination_type, "fields": dict(one.fields), "success": problem is None}
    async with site.db.write() as tx:
        await answers.record(visit, tx, Act("destination.test", destination_id, after=tried))
    if not visit.is_htmx:
        return visit.to("/destinations", f"{one.display_name}: {problem or 'it can be reached and written.'}")
    return visit.page("tested.html", problem=problem, good="Can be reached and written.", at=site.seams.now())
