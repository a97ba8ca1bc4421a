"""Backfills beyond the vendor's contract, under /x/v1: finished ones, choices, plan, retry, pause, resume."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from dayfill.api import days as days_resource
from dayfill.api.backfills import BackfillView, changed, read, show, show_all, view
from dayfill.api.parameters import cursor, cursor_after, day, integer, moment_from, moment_to, no_cursor, span_of
from dayfill.api.wire import ERRORS, Answer, Call, Nothing
from dayfill.domain.audit import Act
from dayfill.domain.backfill import BackfillStatus
from dayfill.domain.ids import LARGEST_ID
from dayfill.domain.run import Priority
from dayfill.engine import audited, lookups
from dayfill.engine import backfills as verbs
from dayfill.engine import plan as planning
from dayfill.errors import Malformed, Refused, RequestError
from dayfill.store import backfills
from dayfill.store.db import Tx, micros, moment

PAGE, LARGEST_PAGE = 50, 500
MOST_DATES = 10_000


class ChosenBackfill(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a create or a plan; no ``only`` = every day of the range."""

    range_start: str
    range_end: str
    only: list[Literal["missing", "failed", "stale"]] = []
    priority: Literal["backfill", "interactive"] = "backfill"


class Retry(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a retry: failed days with this cause, among these dates; neither = all failed days."""

    cause: str | None = None
    dates: list[str] = []


class EstimateView(msgspec.Struct):
    seconds_low: float
    seconds_high: float
    source_calls: int


class RefusalView(msgspec.Struct):
    """The error that a create would meet."""

    status: int
    code: str
    description: str


class PlanView(msgspec.Struct):
    days_chosen: int
    counts: days_resource.Counts
    date_ranges: list[tuple[str, str]]
    conflicts: list[BackfillView]
    estimate: EstimateView | msgspec.UnsetType = msgspec.UNSET
    refusal: RefusalView | msgspec.UnsetType = msgspec.UNSET


async def list_(call: Call) -> Answer:
    limit = integer(call, "limit", lowest=1, highest=LARGEST_PAGE, default=PAGE)
    found = await backfills.page(
        call.server.db,
        call.team_id,
        statuses=_statuses(call),
        transfer_id=integer(call, "transfer_id", lowest=1, highest=LARGEST_ID, default=0) or None,
        created_from=moment_from(call, "created_from"),
        created_to=moment_to(call, "created_to"),
        before=_cursor(call),
        limit=limit + 1,
    )
    shown = found[:limit]
    meta = (
        {"next_cursor": cursor_after(micros(shown[-1].created_time) or 0, shown[-1].backfill_id)}
        if len(found) > limit
        else {}
    )
    return Answer(200, await show_all(call, shown), meta=meta)


async def create(call: Call, tx: Tx) -> Answer:
    transfer_id = call.path["transfer_id"]
    await lookups.transfer(tx, call.team_id, transfer_id)
    body = call.decode(ChosenBackfill)
    made = await verbs.create(
        tx,
        call.server.seams,
        call.team_id,
        call.caller.user_id,
        transfer_id,
        span_of(body.range_start, body.range_end),
        max_days=call.server.max_days,
        only=frozenset(body.only),
        priority=Priority[body.priority.upper()],
    )
    act = Act("backfill.create", made.backfill_id, after=audited.backfill(made))
    return Answer(200, view(made, (), call.server.seams.now()), act=act)


async def plan(call: Call) -> Answer:
    server, transfer_id = call.server, call.path["transfer_id"]
    await lookups.transfer(server.db, call.team_id, transfer_id)
    body = call.decode(ChosenBackfill)
    span = span_of(body.range_start, body.range_end)
    if len(span) > server.max_days:
        # Not a plan with a refusal: its day by day counts would cost what the limit is there to spare.
        raise Refused(f"The range has {len(span):,} days: one backfill takes at most {server.max_days:,}. Split it.")
    only = frozenset(body.only)
    made = await planning.plan(
        server.db, server.seams, call.team_id, transfer_id, span, max_days=server.max_days, only=only
    )
    return Answer(200, await _plan_view(call, made))


async def retry(call: Call, tx: Tx) -> Answer:
    before = await read(call, tx)
    body = call.decode(Retry)
    if len(body.dates) > MOST_DATES:
        raise Malformed(f"Request body: at most {MOST_DATES} dates - at `$.dates`. Leave them out to retry all.")
    dates = {day("dates", text) for text in body.dates}
    reopened, retried = await verbs.retry(
        tx, call.server.seams, call.team_id, before.backfill_id, cause=body.cause, dates=dates
    )
    meta = {"retried_days": retried}
    act = Act("backfill.retry", before.backfill_id, audited.backfill(before), {**audited.backfill(reopened), **meta})
    return Answer(200, await show(call, tx, reopened), meta=meta, act=act)


async def pause(call: Call, tx: Tx) -> Answer:
    before = await read(call, tx)
    call.decode(Nothing)
    paused = await verbs.pause(tx, call.server.seams, call.team_id, call.caller.user_id, before.backfill_id)
    return Answer(200, await show(call, tx, paused), act=changed("backfill.pause", before, paused))


async def resume(call: Call, tx: Tx) -> Answer:
    before = await read(call, tx)
    call.decode(Nothing)
    resumed = await verbs.resume(tx, call.server.seams, call.team_id, before.backfill_id)
    return Answer(200, await show(call, tx, resumed), act=changed("backfill.resume", before, resumed))


async def _plan_view(call: Call, made: planning.Plan) -> PlanView:
    shown = PlanView(
        made.days_chosen,
        days_resource.counts(made.counts),
        [(span.start.isoformat(), span.end.isoformat()) for span in made.ranges],
        [await show(call, call.server.db, other, 0) for other in made.conflicts],
    )
    if made.estimate:
        estimate = made.estimate
        shown.estimate = EstimateView(estimate.seconds_low, estimate.seconds_high, estimate.source_calls)
    if made.refusal:
        shown.refusal = _refusal(made.refusal)
    return shown


def _refusal(error: RequestError) -> RefusalView:
    return RefusalView(ERRORS[type(error)][0], error.code, error.description)


def _statuses(call: Call) -> list[BackfillStatus]:
    try:
        return [BackfillStatus(text) for text in call.query.getlist("status")]
    except ValueError:
        raise Malformed(f"The query parameter status must be one of {', '.join(BackfillStatus)}.") from None


def _cursor(call: Call) -> tuple[datetime, int] | None:
    place = cursor(call, 2)
    if place is None:
        return None
    try:
        return moment(place[0]), place[1]
    except OverflowError:
        raise no_cursor() from None
