"""The table of the pages: each with its handlers, and with the permission without which it does not open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.routing import Route

from dayfill.domain.access import Permission
from dayfill.ui import (
    backfill,
    backfill_actions,
    backfills,
    bulk,
    connections,
    day,
    days,
    destinations,
    feed,
    new_backfill,
    new_transfer,
    overview,
    runs,
    settings,
    sign_in,
    timeline,
    transfer,
    transfer_actions,
    transfer_delete,
    transfer_schema,
    transfer_settings,
    transfers,
)
from dayfill.ui.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]


async def _nothing(_request: object) -> Response:
    raise AssertionError("a page is turned by its handlers")


@dataclass(frozen=True, slots=True)
class Page:
    """One page. permission: what opening it takes; a handler that changes something asks for more by `Visit.needs`.

    None with is_open: without signing in. None without: whoever is signed in.
    """

    path: str
    methods: Mapping[str, Handler]
    permission: Permission | None
    is_open: bool = False
    route: Route = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "route", Route(self.path, _nothing, methods=None))


VIEW, EDIT, MANAGE = Permission.TRANSFER_VIEW, Permission.TRANSFER_EDIT, Permission.TEAM_MANAGE

ROUTES = (
    Page("/sign-in", {"GET": sign_in.page, "POST": sign_in.sign_in}, None, is_open=True),
    Page("/sign-out", {"POST": sign_in.sign_out}, None),
    Page("/team", {"POST": sign_in.turn}, None),
    Page("/", {"GET": overview.page}, None),
    Page("/events/{wanted}", {"GET": feed.stream}, VIEW),
    Page("/transfers", {"GET": transfers.page}, VIEW),
    Page("/backfills", {"GET": backfills.page}, VIEW),
    Page("/runs", {"GET": runs.page}, VIEW),
    Page("/runs.csv", {"GET": runs.table}, VIEW),
    Page("/runs/{run_id}", {"GET": runs.one}, VIEW),
    Page("/destinations", {"GET": destinations.page}, VIEW),
    Page("/destinations/{destination_id}/test", {"POST": destinations.test}, VIEW),
    Page("/connections", {"GET": connections.page}, Permission.LOGIN_VIEW),
    Page("/connections/{connection_id}/test", {"POST": connections.test}, Permission.LOGIN_VIEW),
    Page("/settings", {"GET": settings.page}, Permission.TEAM_VIEW),
    Page("/settings/members", {"POST": settings.add_member}, MANAGE),
    Page("/settings/members/{user_id}", {"POST": settings.change_member}, MANAGE),
    Page("/settings/keys", {"POST": settings.create_key}, MANAGE),
    Page("/settings/keys/{api_key_id}/disable", {"POST": settings.disable_key}, None),
    Page("/settings/sessions/{session_id}/end", {"POST": settings.end_session}, None),
    Page("/transfers/new", {"GET": new_transfer.page, "POST": new_transfer.create}, VIEW),
    Page("/transfers/new/check", {"POST": new_transfer.check}, EDIT),
    Page("/transfers/new/destination", {"POST": new_transfer.check_destination}, EDIT),
    Page("/transfers/bulk", {"POST": bulk.act}, EDIT),
    Page("/transfers/{transfer_id}", {"GET": transfer.page}, VIEW),
    Page("/transfers/{transfer_id}/parts", {"GET": transfer.parts}, VIEW),
    Page("/transfers/{transfer_id}/timeline", {"GET": timeline.page}, VIEW),
    Page("/transfers/{transfer_id}/schema", {"GET": transfer_schema.page}, VIEW),
    Page("/transfers/{transfer_id}/settings", {"GET": transfer_settings.page, "POST": transfer_settings.change}, VIEW),
    Page("/transfers/{transfer_id}/settings/check", {"POST": transfer_settings.check}, EDIT),
    Page("/transfers/{transfer_id}/delete", {"GET": transfer_delete.ask, "POST": transfer_delete.delete}, EDIT),
    Page("/transfers/{transfer_id}/days", {"GET": days.page}, VIEW),
    Page("/transfers/{transfer_id}/days/{date}", {"GET": day.page}, VIEW),
    Page("/transfers/{transfer_id}/runs", {"POST": transfer_actions.run}, EDIT),
    Page("/transfers/{transfer_id}/pause", {"POST": transfer_actions.pause}, EDIT),
    Page("/transfers/{transfer_id}/resume", {"POST": transfer_actions.resume}, EDIT),
    Page("/transfers/{transfer_id}/retry", {"POST": transfer_actions.retry}, EDIT),
    Page("/transfers/{transfer_id}/backfills/new", {"GET": new_backfill.page, "POST": new_backfill.create}, VIEW),
    Page("/backfills/{backfill_id}", {"GET": backfill.page}, VIEW),
    Page("/backfills/{backfill_id}/pause", {"POST": backfill_actions.pause}, EDIT),
    Page("/backfills/{backfill_id}/resume", {"POST": backfill_actions.resume}, EDIT),
    Page("/backfills/{backfill_id}/retry", {"POST": backfill_actions.retry}, EDIT),
    Page(
        "/backfills/{backfill_id}/cancel", {"GET": backfill_actions.ask_cancel, "POST": backfill_actions.cancel}, EDIT
    ),
)
