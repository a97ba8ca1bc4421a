"""Replaces days in one transaction: ownership, tables widened, old rows out, new rows in, ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
import pyarrow as pa

from dayfill.destinations import DayOutcome
from dayfill.destinations.duckdb import faults, ledger, ownership, tables
from dayfill.destinations.duckdb.pool import Session
from dayfill.destinations.fence import Entry
from dayfill.destinations.load import Request, check
from dayfill.destinations.transaction import Aside, write
from dayfill.domain.days import WHOLE


def replace_days(opened: Session, request: Request) -> list[DayOutcome]:
    """Replace the days; outcomes in their order. Loads run side by side, and alone where they would collide."""
    check(request)
    try:
        with opened.shared():
            return _attempt(opened, request, is_alone=False)
    except Aside:
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
            raise Aside from error
        if not (entries and _is_committed(opened, request, entries)):
            raise reported from error
        fresh = {entry.data_date for entry in entries}
    return [DayOutcome.LOADED if day.data_date in fresh else DayOutcome.STALE for day in request.days]


def _write(con: duckdb.DuckDBPyConnection, request: Request, entries: list[Entry], *, is_alone: bool) -> set[date]:
    """As `transaction.write`."""
    looked_at = [WHOLE, *(day.data_date for day in request.days)]
    seen = ledger.look(con, request.schema, request.tables, request.transfer_id, looked_at)
    return write(con, request, seen, entries, ledger, ownership, tables, is_alone=is_alone)


def _is_committed(opened: Session, request: Request, entries: Sequence[Entry]) -> bool:
    """After an error at or before COMMIT: True if the ledger says that it took effect all the same."""
    try:
        return ledger.holds(opened.connection, request.schema, request.transfer_id, entries)
    except duckdb.Error:
        return False
