"""The one route table: each operation with the scope of the key and the permission of the user that it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dayfill.api import (
    accounts,
    backfill_extensions,
    backfills,
    connections,
    datasource,
    days,
    destinations,
    events,
    health,
    login_links,
    logins,
    metrics,
    queries,
    runs,
    sources,
    table_groups,
    teams,
    transfers,
    validations,
)
from dayfill.api.access_routes import ACCESS
from dayfill.api.bodies import MAX_KEYS_OF_GROUP
from dayfill.api.not_offered_routes import NOT_OFFERED
from dayfill.api.routing import TEAM
from dayfill.api.server import Server
from dayfill.api.wire import Answer, Route
from dayfill.domain.access import Permission

READ, WRITE = "dwh_transfers_read", "dwh_transfers_write"
VIEW, EDIT = Permission.TRANSFER_VIEW, Permission.TRANSFER_EDIT
TEAM_VIEW, QUERY = Permission.TEAM_VIEW, Permission.QUERY_RUN
LOGIN_VIEW, LOGIN_EDIT = Permission.LOGIN_VIEW, Permission.LOGIN_EDIT

TRANSFER = TEAM + "/transfers/{transfer_id}"
BACKFILL = TEAM + "/backfills/{backfill_id}"
DESTINATIONS = TEAM + "/destinations"
DESTINATION = DESTINATIONS + "/{destination_id}"
LOGIN = "/ds/login/{login_id}"
LINK = "/ds/login/link/{link_id}"
X = "/x/v1"

ROUTES: tuple[Route, ...] = (
    Route("GET", BACKFILL, backfills.get, READ, VIEW),
    Route("PATCH", BACKFILL, backfills.cancel, WRITE, EDIT, writes=True),
    Route("GET", TEAM + "/backfills", backfills.incomplete, READ, VIEW),
    Route("POST", TRANSFER + "/backfills", backfills.create, WRITE, EDIT, writes=True),
    Route("GET", TRANSFER + "/backfills/latest", backfills.latest, READ, VIEW),
    Route("GET", TRANSFER + "/runs", runs.list_, READ, VIEW),
    Route("GET", TEAM + "/transfer_runs/{run_id}", runs.get, READ, VIEW),
    Route("GET", TEAM + "/transfers", transfers.list_, READ, VIEW),
    Route("POST", TEAM + "/transfers", transfers.create, WRITE, EDIT, writes=True),
    Route("GET", TEAM + "/transfers/available-sources", sources.available, READ, VIEW),
    Route("GET", TEAM + "/transfers/available-options", sources.options, READ, VIEW),
    Route("POST", TEAM + "/transfers/validations", validations.create, READ, VIEW),
    Route("GET", TRANSFER, transfers.get, READ, VIEW),
    Route("PUT", TRANSFER, transfers.update, WRITE, EDIT, writes=True),
    Route("DELETE", TRANSFER, transfers.delete, WRITE, EDIT, writes=True),
    Route("PUT", TRANSFER + "/state", transfers.set_state, WRITE, EDIT, writes=True),
    Route("POST", TRANSFER + "/validations", validations.update, READ, VIEW),
    Route("POST", TEAM + "/data-source-connections", connections.create, WRITE, EDIT, writes=True),
    Route("GET", DESTINATIONS, destinations.list_, READ, VIEW),
    Route("POST", DESTINATIONS, destinations.create, WRITE, EDIT, writes=True, watched=True),
    Route("POST", DESTINATIONS + "/test-connection", destinations.test, WRITE, EDIT, tries=True, watched=True),
    Route("GET", DESTINATION, destinations.get, READ, VIEW),
    Route("PUT", DESTINATION, destinations.update, WRITE, EDIT, writes=True, watched=True),
    Route("DELETE", DESTINATION, destinations.delete, WRITE, EDIT, writes=True, watched=True),
    Route("GET", DESTINATION + "/usage", destinations.usage, READ, VIEW),
    Route("GET", "/table/groups", table_groups.list_, "table_groups_read", VIEW),
    Route("GET", "/table/group/{group_id}/export", table_groups.export, "table_groups_read", VIEW),
    Route(
        *("POST", "/table/group/import", table_groups.import_, "table_groups_write", EDIT),
        writes=True,
        most_keys=MAX_KEYS_OF_GROUP,
    ),
    Route("GET", TEAM, teams.get, "team_read", TEAM_VIEW),
    Route("GET", TEAM + "/users", teams.users, "team_users_read", TEAM_VIEW),
    Route("GET", "/ds/logins", logins.list_, "ds_logins_read", LOGIN_VIEW),
    Route("GET", LOGIN, logins.get, "ds_logins_read", LOGIN_VIEW),
    Route("DELETE", LOGIN, logins.revoke, "ds_logins_write", LOGIN_EDIT, writes=True, watched=True),
    Route("GET", LOGIN + "/accounts", accounts.of_login, "ds_accounts_read", LOGIN_VIEW),
    Route("GET", "/query/accounts", accounts.of_source, "ds_accounts_read", LOGIN_VIEW),
    Route("POST", "/ds/login/link", login_links.create, "ds_login_links_write", LOGIN_EDIT),
    Route("GET", "/ds/login/links", login_links.list_, "ds_login_links_read", LOGIN_VIEW),
    Route("GET", LINK, login_links.find, "ds_login_links_read", LOGIN_VIEW),
    Route("PATCH", LINK, login_links.find, "ds_login_links_write", LOGIN_EDIT),
    Route("PUT", LINK + "/close", login_links.find, "ds_login_links_write", LOGIN_EDIT),
    Route("GET", TEAM + "/datasource/{data_source_id}", datasource.get, None, TEAM_VIEW),
    *NOT_OFFERED,
    Route("GET", "/query/data/json", queries.run, "ds_queries_run", QUERY),
    Route("POST", "/query/data/json", queries.run, "ds_queries_run", QUERY, kept=False),
    Route("GET", "/query/status", queries.status, "ds_queries_read", QUERY),
    Route("GET", "/query/results", queries.results, "ds_queries_read", QUERY),
    Route("GET", X + TEAM + "/backfills", backfill_extensions.list_, READ, VIEW),
    Route("POST", X + TRANSFER + "/backfills", backfill_extensions.create, WRITE, EDIT, writes=True),
    Route("POST", X + TRANSFER + "/backfills/plan", backfill_extensions.plan, READ, VIEW),
    Route("POST", X + BACKFILL + "/retry", backfill_extensions.retry, WRITE, EDIT, writes=True),
    Route("POST", X + BACKFILL + "/pause", backfill_extensions.pause, WRITE, EDIT, writes=True),
    Route("POST", X + BACKFILL + "/resume", backfill_extensions.resume, WRITE, EDIT, writes=True),
    Route("POST", X + TRANSFER + "/runs", runs.run_now, WRITE, EDIT, writes=True),
    Route("POST", X + TRANSFER + "/test", transfers.test, WRITE, EDIT, tries=True),
    Route("GET", X + TRANSFER + "/days", days.get, READ, VIEW),
    Route("GET", X + TEAM + "/events", events.stream, READ, VIEW),
    *ACCESS,
)

PUBLIC: dict[str, Callable[[Server], Awaitable[Answer]]] = {
    "/healthz": health.alive,
    "/readyz": health.ready,
    "/metrics": metrics.get,
    "/openapi.yaml": health.document,
}
"""GET at the root, without a key."""
