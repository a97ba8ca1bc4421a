"""Replaces days in one transaction: ownership, tables widened, old rows out, new rows in, ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
import pyarrow as pa

from dayfill.destinations import DayOutcome, load
from dayfill.destinations.duckdb import faults, ledger, ownership, tables
from dayfill.destinations.duckdb.pool import Session
from dayfill.destinations.fence import Entry, Seen, refuse_other_kind, settle
from dayfill.destinations.load import Request, check
from dayfill.domain.days import WHOLE
from dayfill.errors import Transient


class _Aside(Exception):
    """This load must run alone: it alters a table, or met another load of the same day."""


def replace_days(opened: Session, request: Request) -> list[DayOutcome]:
    """Replace the days; outcomes in their order. Loads run side by side, and alone where they would collide."""
    check(request)
    try:
        with opened.shared():
            return _attempt(opened, request, is_alone=False)
    except _Aside:
        request.wait_for_rows()
        with opened.alone():
            return _attempt(opened, request, is_alone=True)


def _attempt(opened: Session, request: Request, *, is_alone: bool) -> list[DayOutcome]:
    entries: list[Entry] = []
    try:
        with opened.transaction() as con:
            fresh = _write(con, request, entries, is_alone=is_alone)
            if fresh:
                request.before_commit()
    except (duckdb.Error, pa.ArrowException) as error:
        reported = faults.translate(error, opened.path)
        if reported.cause == "CONFLICT" and not is_alone:
            raise _Aside from error
        if not (entries and _is_committed(opened, request, entries)):
            raise reported from error
        fresh = {entry.data_date for entry in entries}
    return [DayOutcome.LOADED if day.data_date in fresh else DayOutcome.STALE for day in request.days]


def _write(con: duckdb.DuckDBPyConnection, request: Request, entries: list[Entry], *, is_alone: bool) -> set[date]:
    """All statements before COMMIT; returns the days written, the rest is stale. Fills ``entries`` when all is in."""
    seen = ledger.look(
        con, request.schema, request.tables, request.transfer_id, [WHOLE, *(day.data_date for day in request.days)]
    )
    changing = settle(
        request.tables, seen.owners, request.claim, lambda table: ownership.newest(con, request.schema, table)
    )
    fresh = seen.fresh(request.days)
    if not fresh:
        return set()
    refuse_other_kind(fresh[0], lambda table, whole: _has(con, request, seen, table, whole, table in changing))
    changes = [tables.planned(con, request.schema, fresh, index) for index in range(len(request.tables))]
    if (changing or any(change.steps or change.is_new for change in changes)) and not is_alone:
        raise _Aside
    ownership.claim(con, request.schema, request.claim.owner, changing, seen.owners)
    for change in changes:
        tables.alter(con, change)
    days = [day.data_date for day in fresh]
    for change in changes:
        tables.replace(con, change, days)
    written = load.entries(fresh)  # which counts rows that have come by now
    if not ledger.write(con, request.schema, request.transfer_id, written, seen):
        raise Transient("CONFLICT", "Another load changed the same day at the same time; it is tried again.")
    entries += written
    return set(days)


def _has(
    con: duckdb.DuckDBPyConnection, request: Request, seen: Seen, table: str, whole: bool, is_changing: bool
) -> bool:
    """Whether a table was loaded as a whole, or by day. The ledger is searched where that is rare."""
    if whole and not is_changing:
        return (table, WHOLE) in seen.tokens
    return ownership.has_rows_of(con, request.schema, table, whole=whole)


def _is_committed(opened: Session, request: Request, entries: Sequence[Entry]) -> bool:
    """After an error at or before COMMIT: True if the ledger says that it took effect all the same."""
    try:
        return ledger.holds(opened.connection, request.schema, request.transfer_id, entries)
    except duckdb.Error:
        return False
