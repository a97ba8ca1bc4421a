"""Replaces days in one transaction: locks, ownership, tables widened, old rows out, new rows in, ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
from adbc_driver_manager import Error

from dayfill.destinations import DayOutcome, load
from dayfill.destinations.fence import Entry, Seen, hold, refuse_other_kind, settle
from dayfill.destinations.load import Request, check
from dayfill.destinations.postgresql import faults, ledger, locks, tables
from dayfill.domain.days import WHOLE
from dayfill.errors import ConnectorError, Transient
from dayfill.outgoing import postgresql
from dayfill.outgoing.postgresql import Server, Session


class _Again(Exception):
    """The transaction is over, and another attempt is due."""


class _Aside(_Again):
    """This load must run alone: it alters a table."""


class _Unprepared(_Again):
    """There is no ledger yet."""


class _Stuck(_Again):
    """A load that stood still has been ended."""


class _Gone(_Again):
    """The connection had been closed while nobody used it."""


def replace_days(server: Server, request: Request) -> list[DayOutcome]:
    """Replace the days; outcomes in their order. Loads run side by side, and alone where they would collide."""
    check(request)
    tried: set[type[_Again]] = set()
    while True:
        try:
            with postgresql.session(server) as con:
                return _attempt(con, request, is_alone=_Aside in tried)
        except _Again as reason:
            if type(reason) in tried:
                raise Transient("DESTINATION", f"{server.shown} did not come to rest; nothing was changed.") from None
            tried.add(type(reason))
            if isinstance(reason, _Aside):
                request.wait_for_rows()


def _attempt(con: Session, request: Request, *, is_alone: bool) -> list[DayOutcome]:
    entries: list[Entry] = []
    try:
        _begin(con, request, is_alone=is_alone)
        fresh = _write(con, request, entries, is_alone=is_alone)
        if fresh:
            request.before_commit()
        con.commit()
    except (Error, pa.ArrowException) as error:
        if not (entries and isinstance(error, Error) and _is_committed(con.server, request, entries, error)):
            raise faults.translate(error, con.server) from None
        fresh = {entry.data_date for entry in entries}
    return [DayOutcome.LOADED if day.data_date in fresh else DayOutcome.STALE for day in request.days]


def _begin(con: Session, request: Request, *, is_alone: bool) -> None:
    try:
        locks.begin(con, request, is_alone=is_alone)
    except Error as error:
        if con.is_used and postgresql.is_lost(error):
            postgresql.forget_idle(con.server)
            raise _Gone from None
        if error.sqlstate == "55P03":
            con.roll_back()
            if locks.end_stuck(con, request):
                raise _Stuck from None
        raise


def _write(con: Session, request: Request, entries: list[Entry], *, is_alone: bool) -> set[date]:
    """All statements before COMMIT; returns the days written, the rest is stale. Fills ``entries`` when all is in."""
    try:
        seen = ledger.look(
            con, request.schema, request.tables, request.transfer_id, [WHOLE, *(day.data_date for day in request.days)]
        )
    except Error as error:
        if error.sqlstate not in faults.UNDEFINED:
            raise
        con.roll_back()
        prepare(con, request.schema)
        raise _Unprepared from None
    changing = settle(
        request.tables, seen.owners, request.claim, lambda table: ledger.newest(con, request.schema, table)
    )
    fresh = seen.fresh(request.days)
    if not fresh:
        return set()
    refuse_other_kind(fresh[0], lambda table, whole: _has(con, request, seen, table, whole, table in changing))
    changes = [tables.planned(con, request.schema, fresh, index) for index in range(len(request.tables))]
    if (changing or any(change.steps or change.is_new for change in changes)) and not is_alone:
        raise _Aside
    ledger.claim(con, request.schema, request.claim.owner, changing, seen.owners)
    for change in changes:
        tables.alter(con, change)
    days = [day.data_date for day in fresh]
    for change in changes:
        tables.replace(con, change, days)
    written = load.entries(fresh)  # which counts rows that have come by now
    if not ledger.write(con, request.schema, request.transfer_id, written):
        raise Transient("CONFLICT", "Another load changed the same day at the same time; it is tried again.")
    entries += written
    return set(days)


def _has(con: Session, request: Request, seen: Seen, table: str, whole: bool, is_changing: bool) -> bool:
    """Whether a table was loaded as a whole, or by day. The ledger is searched where that is rare."""
    if whole and not is_changing:
        return (table, WHOLE) in seen.tokens
    return ledger.has_rows_of(con, request.schema, table, whole=whole)


def prepare(con: Session, schema: str) -> None:
    """Make the ledger, in a transaction of its own."""
    con.begin()
    ledger.create(con, schema)
    con.commit()


def _is_committed(server: Server, request: Request, entries: Sequence[Entry], error: Error) -> bool:
    """After an error at or before COMMIT: True if the ledger says that it took effect all the same."""
    if not postgresql.is_lost(error):
        return False
    postgresql.forget_idle(server)
    try:
        with postgresql.session(server) as other:
            return hold(ledger.rows(other, request.schema, request.transfer_id), entries)
    except (Error, ConnectorError):
        return False
