"""Backfills of the vendor's contract: create, read, list the incomplete ones, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from dayfill.api.parameters import span_of
from dayfill.api.wire import Answer, Call, stamp, stamp_or_none
from dayfill.domain.audit import Act
from dayfill.domain.backfill import ACTIVE, MAX_DAYS, Backfill, BackfillStatus, DayFailure
from dayfill.domain.parking import Waiting
from dayfill.domain.run import Priority
from dayfill.engine import audited, lookups
from dayfill.engine import backfills as verbs
from dayfill.errors import Malformed, Missing
from dayfill.store import backfills
from dayfill.store.db import Reader, Tx

LISTED_FAILURES = 100
"""Entries of error_report per backfill in a list; a single read gives all."""
LONGEST_ERROR = 1_000


class FailureDetail(msgspec.Struct):
    transfer_run_id: int
    cause: str
    attempts: int


class FailureView(msgspec.Struct):
    """One failed day: an entry of error_report."""

    transfer_run_date: str
    error: str
    x: FailureDetail


class WaitingView(msgspec.Struct, omit_defaults=True):
    """Why no day of a backfill starts at the moment. cause, error: of the failure that it waits for.

    until: absent of a cluster, of which is told since when it is gone.
    """

    reason: str
    cause: str
    error: str
    until: str | None = None
    since: str | None = None


class Extension(msgspec.Struct, omit_defaults=True):
    """What the vendor's backfill does not say; keys without a value are left out."""

    only: tuple[str, ...]
    priority: str
    runs_running: int
    runs_cancelled: int
    rows_total: int
    paused_time: str | None = None
    paused_user_id: int | None = None
    eta_seconds: int | None = None
    stopped_cause: str | None = None
    waiting: WaitingView | None = None


class BackfillView(msgspec.Struct):
    transfer_backfill_id: int
    transfer_id: int
    range_start_date: str
    range_end_date: str
    created_time: str
    created_user_id: int
    removed_time: str | None
    removed_user_id: int | None
    start_time: str | None
    end_time: str | None
    status: str
    transfer_runs_total: int
    transfer_runs_created: int
    transfer_runs_completed: int
    transfer_runs_failed: int
    error_report: list[FailureView]
    x: Extension


class NewBackfill(msgspec.Struct):
    """Body of a create; both days are included."""

    range_start: str
    range_end: str


class StatusChange(msgspec.Struct):
    """Body of a PATCH: CANCELLED is the only status that a caller can give."""

    status: str


async def get(call: Call) -> Answer:
    return Answer(200, await show(call, call.server.db, await read(call, call.server.db)))


async def latest(call: Call) -> Answer:
    transfer_id = call.path["transfer_id"]
    await lookups.transfer(call.server.db, call.team_id, transfer_id)
    backfill = await backfills.latest(call.server.db, call.team_id, transfer_id)
    if backfill is None:
        raise Missing("This transfer has no backfill; create one.")
    return Answer(200, await show(call, call.server.db, backfill))


async def incomplete(call: Call) -> Answer:
    found = await backfills.incomplete(call.server.db, call.team_id)
    return Answer(200, await show_all(call, found))


async def create(call: Call, tx: Tx) -> Answer:
    transfer_id = call.path["transfer_id"]
    await lookups.transfer(tx, call.team_id, transfer_id)
    body = call.decode(NewBackfill)
    span = span_of(body.range_start, body.range_end)
    made = await verbs.create(
        tx,
        call.server.seams,
        call.team_id,
        call.caller.user_id,
        transfer_id,
        span,
        max_days=call.server.max_days,
    )
    act = Act("backfill.create", made.backfill_id, after=audited.backfill(made))
    return Answer(200, view(made, (), call.server.seams.now()), act=act)


async def cancel(call: Call, tx: Tx) -> Answer:
    before = await read(call, tx)
    body = call.decode(StatusChange)
    if body.status != BackfillStatus.CANCELLED:
        raise Malformed("Request body: status can only become CANCELLED - at `$.status`. Send that.")
    done = await verbs.cancel(tx, call.server.seams, call.team_id, call.caller.user_id, before.backfill_id)
    return Answer(200, await show(call, tx, done), act=changed("backfill.cancel", before, done))


async def read(call: Call, db: Reader) -> Backfill:
    """The path's backfill, looked at before the body, so an absent one is 404 whatever was sent."""
    return await lookups.backfill(db, call.team_id, call.path["backfill_id"])


def changed(action: str, before: Backfill, after: Backfill) -> Act:
    return Act(action, after.backfill_id, audited.backfill(before), audited.backfill(after))


async def show(call: Call, db: Reader, backfill: Backfill, most: int = MAX_DAYS) -> BackfillView:
    """A backfill with its error report, which costs a read only if a day has failed, and with what it waits for."""
    now = call.server.seams.now()
    failed = await backfills.failures(db, backfill.backfill_id, most) if backfill.failed else ()
    goes_on = backfill.status in ACTIVE and backfill.paused_time is None
    waiting = await call.server.hub.waits.of(db, call.team_id, backfill.transfer_id, now) if goes_on else None
    return view(backfill, failed, now, waiting)


async def show_all(call: Call, found: Sequence[Backfill]) -> list[BackfillView]:
    return [await show(call, call.server.db, backfill, LISTED_FAILURES) for backfill in found]


def view(
    backfill: Backfill, failed: Sequence[DayFailure], now: datetime, waiting: Waiting | None = None
) -> BackfillView:
    return BackfillView(
        backfill.backfill_id,
        backfill.transfer_id,
        backfill.days.start.isoformat(),
        backfill.days.end.isoformat(),
        stamp(backfill.created_time),
        backfill.created_user_id,
        stamp_or_none(backfill.removed_time),
        backfill.removed_user_id,
        stamp_or_none(backfill.start_time),
        stamp_or_none(backfill.end_time),
        backfill.status.value,
        backfill.total,
        backfill.created,
        backfill.completed,
        backfill.failed,
        [_failure(one) for one in failed],
        _extension(backfill, now, waiting),
    )


def _extension(backfill: Backfill, now: datetime, waiting: Waiting | None) -> Extension:
    return Extension(
        backfill.only,
        "interactive" if backfill.priority == Priority.INTERACTIVE else "backfill",
        backfill.running,
        backfill.cancelled,
        backfill.rows_total,
        stamp_or_none(backfill.paused_time),
        backfill.paused_user_id,
        None if waiting else _eta_seconds(backfill, now),
        backfill.stopped_cause,
        None if waiting is None else _waiting(waiting),
    )


def _waiting(waiting: Waiting) -> WaitingView:
    times = stamp_or_none(waiting.until), stamp_or_none(waiting.since)
    return WaitingView(waiting.reason, waiting.cause, waiting.message[:LONGEST_ERROR], *times)


def _failure(failed: DayFailure) -> FailureView:
    detail = FailureDetail(failed.run_id, failed.cause, failed.attempts)
    return FailureView(failed.data_date.isoformat(), failed.error[:LONGEST_ERROR], detail)


def _eta_seconds(backfill: Backfill, now: datetime) -> int | None:
    """Seconds to the end at the mean pace so far; unknown before the first day is done."""
    done = backfill.completed + backfill.failed
    if backfill.status is not BackfillStatus.RUNNING or backfill.paused_time or not done:
        return None
    return round(backfill.worked(now).total_seconds() / done * (backfill.total - done))
