"""The audit log of a team, for those who manage it."""

from __future__ import annotations

import msgspec

from dayfill.api.parameters import cursor, cursor_after, integer, moment_from, moment_to
from dayfill.api.wire import Answer, Call, stamp
from dayfill.domain.ids import LARGEST_ID
from dayfill.errors import Malformed
from dayfill.store import audit
from dayfill.store.audit import NEWEST, Entry, Filter

PAGE, LARGEST_PAGE = 50, 500
LONGEST_OBJECT = 200


class EntryView(msgspec.Struct):
    """One row; before and after stand as they were stored."""

    audit_id: int
    audit_time: str
    actor: str
    user_id: int | None
    api_key_id: str | None
    address: str | None
    request_id: str | None
    action: str
    object: str
    before: msgspec.Raw
    after: msgspec.Raw


async def list_(call: Call) -> Answer:
    limit = integer(call, "limit", lowest=1, highest=LARGEST_PAGE, default=PAGE)
    wanted = Filter(
        _object(call),
        integer(call, "user_id", lowest=1, highest=LARGEST_ID, default=0) or None,
        moment_from(call, "from"),
        moment_to(call, "to"),
    )
    [before] = cursor(call, 1) or [NEWEST]
    found = await audit.page(call.server.db, call.team_id, wanted, before, limit + 1)
    shown = found[:limit]
    meta = {"next_cursor": cursor_after(shown[-1].audit_id)} if len(found) > limit else {}
    return Answer(200, [_view(entry) for entry in shown], meta=meta)


def _object(call: Call) -> str | None:
    text = call.query.get("object")
    if text is not None and not 0 < len(text) <= LONGEST_OBJECT:
        raise Malformed("The query parameter object must name a kind and an id, such as transfer:7.")
    return text


def _view(entry: Entry) -> EntryView:
    actor = entry.actor
    return EntryView(
        entry.audit_id,
        stamp(entry.audit_time),
        actor.kind,
        actor.user_id,
        actor.api_key_id,
        actor.address,
        actor.request_id,
        entry.action,
        entry.object,
        msgspec.Raw((entry.before or "null").encode()),
        msgspec.Raw((entry.after or "null").encode()),
    )
