"""All runs of the team, and one run in detail."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime

from starlette.responses import Response

from dayfill.domain.days import WHOLE
from dayfill.errors import Missing
from dayfill.store import boards
from dayfill.store import runs as store
from dayfill.ui import lists
from dayfill.ui.copied import load_day
from dayfill.ui.days import month_of
from dayfill.ui.health import fix
from dayfill.ui.visit import Visit

MOST_CHOICES, MOST_IN_TABLE = 500, 5_000
COLUMNS = (
    *("run_id", "transfer_id", "transfer", "data_date", "type", "status", "cause", "message", "rows", "attempts"),
    *("backfill_id", "created_time", "started_time", "ended_time"),
)


async def page(visit: Visit) -> Response:
    """A page of them, newest first, all or only the failed ones, of one month of a transfer; or its moving part."""
    site, before, transfer_id = visit.site, lists.cursor_of(visit), lists.filter_id(visit, "transfer")
    failed, span = visit.request.query_params.get("show") == "failed", month_of(visit) if transfer_id else None
    size = boards.PAGE + 1
    found = await boards.runs(site.db, visit.team_id, transfer_id, before, failed=failed, span=span, limit=size)
    shown = found[: boards.PAGE]
    wanted = {one.transfer_id for one in shown} | ({transfer_id} if transfer_id else set())
    last = boards.cursor(shown[-1].created_time, shown[-1].run_id) if len(found) > boards.PAGE else None
    return visit.page(
        "runs_moving.html" if visit.is_htmx else "runs.html",
        title="Runs",
        runs=shown,
        names=await boards.names(site.db, visit.team_id, wanted),
        before=before,
        failed=failed,
        transfer_id=transfer_id,
        month=f"{span.start:%Y-%m}" if span else "",
        choices=await boards.choices(site.db, visit.team_id, MOST_CHOICES),
        next=lists.older(visit, last) if last else None,
        active_backfills=await boards.count_active(site.db, visit.team_id),
    )


async def table(visit: Visit) -> Response:
    """The newest runs as CSV, with the same filters."""
    site, transfer_id = visit.site, lists.filter_id(visit, "transfer")
    failed, span = visit.request.query_params.get("show") == "failed", month_of(visit) if transfer_id else None
    size = MOST_IN_TABLE
    found = await boards.runs(site.db, visit.team_id, transfer_id, None, failed=failed, span=span, limit=size)
    names = await boards.names(site.db, visit.team_id, {one.transfer_id for one in found})
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in found:
        cells = (one.run_id, one.transfer_id, names.get(one.transfer_id), _date(one.data_date), one.run_type.value)
        more = (one.status.value, one.cause, one.message, one.rows, one.attempts, one.backfill_id)
        times = (one.created_time, one.started_time, one.ended_time)
        writer.writerow([_cell(value) for value in (*cells, *more, *times)])
    headers = {"Content-Disposition": 'attachment; filename="runs.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _date(day: date) -> date | None:
    return None if day == WHOLE else day


def _cell(value: object) -> object:
    """A value as a table program takes it: a text that it would take for a formula begins with an apostrophe."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


async def one(visit: Visit) -> Response:
    """One run: what it waited for, what it asked, how it ended, and what to do if it failed."""
    site = visit.site
    run = await store.get(site.db, visit.team_id, visit.path_id("run_id"))
    if run is None:
        raise Missing("This team has no such run; it may belong to another team of yours. Choose one from the list.")
    names = await boards.names(site.db, visit.team_id, {run.transfer_id})
    return visit.page(
        "run_moving.html" if visit.is_htmx else "run.html",
        title=f"Run {run.run_id}",
        run=run,
        is_whole=run.data_date == WHOLE,
        copied_as=load_day(str(visit.request.base_url), visit.team_id, run.transfer_id, run.data_date),
        name=names.get(run.transfer_id, f"Transfer {run.transfer_id}"),
        fix=fix(run.cause or "", run.transfer_id) if run.status == "FAILED" else "",
        seconds=sum(query.duration for query in run.queries),
        active_backfills=await boards.count_active(site.db, visit.team_id),
    )
