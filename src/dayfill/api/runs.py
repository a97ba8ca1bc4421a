"""Transfer runs: the list of a transfer, one run in detail, and runs that a person starts now."""

from __future__ import annotations

from datetime import date

import msgspec

from dayfill.api.parameters import choice, day, flag, integer, moment_from, moment_to
from dayfill.api.wire import Answer, Call, stamp, stamp_or_none
from dayfill.domain.audit import Act
from dayfill.domain.days import FIRST_DAY, WHOLE
from dayfill.domain.run import QueryDetail, Run
from dayfill.engine import lookups
from dayfill.engine import runs as verbs
from dayfill.errors import Malformed, Missing, Refused
from dayfill.store import runs
from dayfill.store.db import Tx
from dayfill.store.runs import SortField

LARGEST_INT32 = 2**31 - 1
LARGEST_PAGE, PAGE = 10_000, 100
LARGEST_OFFSET = 2**53
MOST_DATES = 366

_SORT_FIELDS: tuple[SortField, ...] = ("created_time", "ended_time", "data_date")


class Extension(msgspec.Struct, omit_defaults=True):
    """What the vendor's run does not say; keys without a value are left out."""

    trigger: str
    attempt: int
    transfer_backfill_id: int | None = None
    cause: str | None = None
    content_hash: str | None = None


class QueryView(msgspec.Struct, omit_defaults=True):
    """One query: a table for a batch of accounts. duration in seconds."""

    status: str
    rows: int
    duration: float
    error_description: str | None = None


class RunItem(msgspec.Struct):
    """A run in a list. total_duration: seconds, over its queries."""

    id: int
    status: str
    message: str
    type: str
    created_time: str
    ended_time: str | None
    total_duration: float | None
    total_rows: int | None
    data_date: str | None
    x: Extension


class RunDetail(msgspec.Struct):
    id: int
    status: str
    message: str
    created_time: str
    queued_time: str | None
    started_time: str | None
    ended_time: str | None
    total_duration: float | None
    total_rows: int | None
    data_date: str | None
    external_id: str
    query_amount: int
    failed_query_amount: int
    query_details: list[QueryView]
    x: Extension


class RunsNow(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a run now: neither = the transfer's refresh window."""

    dates: list[str] | msgspec.UnsetType = msgspec.UNSET
    refresh_window: int | msgspec.UnsetType = msgspec.UNSET


class Joined(msgspec.Struct):
    """A day for which a run was waiting already."""

    date: str | None
    run_id: int


class Started(msgspec.Struct):
    run_ids: list[int]
    dates: list[str | None]
    joined: list[Joined]


async def list_(call: Call) -> Answer:
    db, transfer_id = call.server.db, call.path["transfer_id"]
    await lookups.transfer(db, call.team_id, transfer_id)
    first, last = moment_from(call, "start_date"), moment_to(call, "end_date")
    if first is None or last is None:
        raise Malformed("The query parameters start_date and end_date are both needed. Send dates such as 2024-01-31.")
    found = await runs.page(
        db,
        call.team_id,
        transfer_id,
        created_from=first,
        created_to=last,
        issues_only=flag(call, "filter_issues_only"),
        sort_field=choice(call, "sort_field", _SORT_FIELDS),
        descending=choice(call, "sort_direction", ("DESC", "ASC")) == "DESC",
        limit=integer(call, "limit", lowest=1, highest=LARGEST_PAGE, default=PAGE),
        offset=integer(call, "offset", lowest=0, highest=LARGEST_OFFSET, default=0),
    )
    return Answer(200, [item(run) for run in found])


async def get(call: Call) -> Answer:
    run = await runs.get(call.server.db, call.team_id, call.path["run_id"])
    if run is None:
        raise Missing("Transfer run not found; list the runs of its transfer.")
    return Answer(200, _detail(run))


async def run_now(call: Call, tx: Tx) -> Answer:
    transfer_id = call.path["transfer_id"]
    await lookups.transfer(tx, call.team_id, transfer_id)
    body = call.decode(RunsNow)
    dates = [day("dates", text) for text in body.dates] if body.dates else []
    window = None if body.refresh_window is msgspec.UNSET else body.refresh_window
    if body.dates is not msgspec.UNSET and (window is not None or not 1 <= len(dates) <= MOST_DATES):
        raise Malformed(f"Request body: give 1 to {MOST_DATES} dates, or a refresh_window, or neither - at `$.dates`.")
    if window is not None and not 1 <= window <= MOST_DATES:
        raise Malformed(f"Request body: refresh_window must be 1 to {MOST_DATES} days - at `$.refresh_window`.")
    if dates and min(dates) < FIRST_DAY:
        raise Refused(f"{min(dates)} is too early: the first possible day is {FIRST_DAY}. Leave it out.")
    done = await verbs.run_now(tx, call.server.seams, call.team_id, transfer_id, dates=dates, window=window)
    joined = [Joined(_date(one), run_id) for one, run_id in done.joined]
    started = [_date(one) for one in done.dates]
    act = Act("transfer.run", transfer_id, after={"dates": started, "joined": len(joined)})
    return Answer(202, Started(done.run_ids, started, joined), act=act)


def item(run: Run) -> RunItem:
    return RunItem(
        run.run_id,
        run.status.value,
        run.message,
        run.run_type.value,
        stamp(run.created_time),
        stamp_or_none(run.ended_time),
        _duration(run),
        _rows(run.rows),
        _date(run.data_date),
        _extension(run),
    )


def _detail(run: Run) -> RunDetail:
    return RunDetail(
        run.run_id,
        run.status.value,
        run.message,
        stamp(run.created_time),
        stamp_or_none(run.queued_time),
        stamp_or_none(run.started_time),
        stamp_or_none(run.ended_time),
        _duration(run),
        _rows(run.rows),
        _date(run.data_date),
        str(run.run_id),
        len(run.queries),
        sum(query.error is not None for query in run.queries),
        [_query(query) for query in run.queries],
        _extension(run),
    )


def _date(day: date) -> str | None:
    """None where tables without days were loaded."""
    return None if day == WHOLE else day.isoformat()


def _extension(run: Run) -> Extension:
    return Extension(run.trigger.value, run.attempts, run.backfill_id, run.cause, run.content_hash)


def _query(query: QueryDetail) -> QueryView:
    return QueryView(query.status, min(query.rows, LARGEST_INT32), query.duration, query.error)


def _duration(run: Run) -> float | None:
    return sum(query.duration for query in run.queries) if run.queries else None


def _rows(rows: int | None) -> int | None:
    """Row counts are 32-bit on the wire and stop at the largest one."""
    return None if rows is None else min(rows, LARGEST_INT32)
