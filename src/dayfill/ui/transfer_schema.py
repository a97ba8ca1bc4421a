"""The tables of a transfer with their columns, as its table group declares them."""

from __future__ import annotations

from starlette.responses import Response

from dayfill.store import boards, destinations, table_groups
from dayfill.ui.transfer import known
from dayfill.ui.visit import Visit


async def page(visit: Visit) -> Response:
    """Every table; what no group declares is as it comes from the source."""
    transfer = await known(visit)
    db, team_id, configuration = visit.site.db, visit.team_id, transfer.configuration
    return visit.page(
        "transfer_schema.html",
        transfer=transfer,
        group=await table_groups.get(db, team_id, configuration.schema_id),
        destination=await destinations.get(db, team_id, configuration.destination_id),
        active_backfills=await boards.count_active(db, team_id),
    )
