"""The one route table: each operation with the scope of the key and the permission of the user that it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dayfill.api import backfills, days, extensions, health, runs
from dayfill.api.wire import Answer, Route, Server
from dayfill.domain.access import Permission

READ, WRITE = "dwh_transfers_read", "dwh_transfers_write"
VIEW, EDIT = Permission.TRANSFER_VIEW, Permission.TRANSFER_EDIT

TEAM = "/teams/{team_id}"
TRANSFER = TEAM + "/transfers/{transfer_id}"
BACKFILL = TEAM + "/backfills/{backfill_id}"
X = "/x/v1"

ROUTES: tuple[Route, ...] = (
    Route("GET", BACKFILL, backfills.get, READ, VIEW),
    Route("PATCH", BACKFILL, backfills.cancel, WRITE, EDIT, writes=True),
    Route("GET", TEAM + "/backfills", backfills.incomplete, READ, VIEW),
    Route("POST", TRANSFER + "/backfills", backfills.create, WRITE, EDIT, writes=True),
    Route("GET", TRANSFER + "/backfills/latest", backfills.latest, READ, VIEW),
    Route("GET", TRANSFER + "/runs", runs.list_, READ, VIEW),
    Route("GET", TEAM + "/transfer_runs/{run_id}", runs.get, READ, VIEW),
    Route("GET", X + TEAM + "/backfills", extensions.list_, READ, VIEW),
    Route("POST", X + TRANSFER + "/backfills", extensions.create, WRITE, EDIT, writes=True),
    Route("POST", X + TRANSFER + "/backfills/plan", extensions.plan, READ, VIEW),
    Route("POST", X + BACKFILL + "/retry", extensions.retry, WRITE, EDIT, writes=True),
    Route("POST", X + BACKFILL + "/pause", extensions.pause, WRITE, EDIT, writes=True),
    Route("POST", X + BACKFILL + "/resume", extensions.resume, WRITE, EDIT, writes=True),
    Route("POST", X + TRANSFER + "/runs", runs.run_now, WRITE, EDIT, writes=True),
    Route("GET", X + TRANSFER + "/days", days.get, READ, VIEW),
)

PUBLIC: dict[str, Callable[[Server], Awaitable[Answer]]] = {
    "/healthz": health.alive,
    "/readyz": health.ready,
    "/openapi.yaml": health.document,
}
"""GET at the root, without a key."""
