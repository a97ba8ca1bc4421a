"""What was done with a transfer: changed, backfilled, run, by whom and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from dayfill.errors import Malformed
from dayfill.store import audit, teams
from dayfill.store.audit import NEWEST, Entry
from dayfill.ui import words
from dayfill.ui.render import plural
from dayfill.ui.transfer import known
from dayfill.ui.visit import Visit

PAGE = 50
VERBS = {
    "transfer.create": "made the transfer",
    "transfer.update": "changed the transfer",
    "transfer.test": "asked the source for its columns",
    "transfer.pause": "paused the schedule",
    "transfer.unpause": "let the schedule go on",
    "transfer.run": "loaded days at once",
    "transfer.retry": "tried failed days again",
    "transfer.outdate": "found days that the warehouse holds otherwise than the state",
    "backfill.create": "started backfill",
    "backfill.pause": "paused backfill",
    "backfill.resume": "let backfill go on",
    "backfill.cancel": "cancelled backfill",
    "backfill.retry": "tried failed days again of backfill",
    "backfill.stop": "stopped backfill after equal errors",
}
"""Words for what the audit log names; what is new there is shown by its name."""


@dataclass(frozen=True, slots=True)
class Item:
    at: datetime
    who: str
    what: str
    detail: str
    backfill_id: int | None


async def page(visit: Visit) -> Response:
    """A page of it, newest first."""
    transfer = await known(visit)
    text = visit.request.query_params.get("before", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Malformed("This link to older entries is damaged. Start again from the newest.")
    before = int(text) if text else NEWEST
    found = await audit.of_transfer(visit.site.db, visit.team_id, transfer.transfer_id, before, PAGE + 1)
    members = await teams.members(visit.site.db, visit.team_id)
    people = {one.user_id: words.name_of(one) for one in members}
    return visit.page(
        "timeline.html",
        transfer=transfer,
        items=[tell(entry, people) for entry in found[:PAGE]],
        next=found[PAGE - 1].audit_id if len(found) > PAGE else None,
        is_later=bool(text),
    )


def tell(entry: Entry, people: Mapping[int, str]) -> Item:
    """One entry in words."""
    kind, _, identity = entry.object.partition(":")
    what = VERBS.get(entry.action, entry.action)
    backfill_id = int(identity) if kind == "backfill" else None
    if backfill_id is not None:
        what = (
            f"{what} {backfill_id}"
            if what.endswith("backfill")
            else what.replace("backfill", f"backfill {backfill_id}")
        )
    return Item(entry.audit_time, _who(entry, people), what, _detail(entry), backfill_id)


def _who(entry: Entry, people: Mapping[int, str]) -> str:
    actor = entry.actor
    if actor.kind == "operator":
        return "the operator"
    if actor.kind == "dispatcher":
        return "dayfill"
    return people.get(actor.user_id or 0, f"user {actor.user_id}") + (" by API key" if actor.kind == "key" else "")


def _detail(entry: Entry) -> str:
    """What tells most about it: the days, or the names of what was changed."""
    after: dict[str, Any] = msgspec.json.decode(entry.after) if entry.after else {}
    match entry.action:
        case "backfill.create" if "range_start" in after:
            return f"{after['range_start']} to {after['range_end']}, {plural(after['days'], 'day')}"
        case "transfer.retry" if "days" in after:
            return plural(after["days"], "day") + (f" with {after['cause']}" if after.get("cause") else "")
        case "backfill.retry" if "retried_days" in after:
            return plural(after["retried_days"], "day")
        case "transfer.run" if "dates" in after:
            return plural(len(after["dates"]), "day")
        case "backfill.stop" if "days_not_tried" in after:
            return f"{after.get('cause')}, {plural(after['days_not_tried'], 'day')} not tried"
        case "transfer.outdate":
            return plural(sum(after.values()), "day")
        case "transfer.update":
            return ", ".join(sorted(after))
        case _:
            return ""
