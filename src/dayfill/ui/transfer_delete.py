"""Delete a transfer: first what becomes of its days, its backfills and its table, then the deed."""

from __future__ import annotations

from starlette.responses import Response

from dayfill.domain.audit import Act
from dayfill.domain.days import DayState
from dayfill.engine import audited
from dayfill.engine import transfers as verbs
from dayfill.store import backfills, boards, destinations, table_groups
from dayfill.ui import answers, transfer
from dayfill.ui.visit import Visit


async def ask(visit: Visit) -> Response:
    """What a delete would do, in numbers, before it is done."""
    one = await transfer.known(visit)
    db, team_id, configuration = visit.site.db, visit.team_id, one.configuration
    counts = (await boards.tally(db, one.transfer_id)).counts
    group = await table_groups.get(db, team_id, configuration.schema_id)
    return visit.page(
        "delete_transfer.html",
        transfer=one,
        tables=transfer.names(group.tables if group else ()),
        destination=await destinations.get(db, team_id, configuration.destination_id),
        loaded=counts[DayState.LOADED] + counts[DayState.STALE],
        waiting=counts[DayState.QUEUED],
        active=await backfills.active(db, team_id, one.transfer_id),
        active_backfills=await boards.count_active(db, team_id),
    )


async def delete(visit: Visit) -> Response:
    """Delete it; its rows stay in the destination."""
    async with visit.site.db.write() as tx:
        one = await transfer.known(visit)
        await verbs.delete(tx, visit.site.seams, visit.team_id, visit.user_id, one.transfer_id)
        await answers.record(visit, tx, Act("transfer.delete", one.transfer_id, audited.transfer(one)))
    visit.site.changed()
    return visit.to("/transfers", f"{one.configuration.display_name} is deleted; what it has loaded stays.")
