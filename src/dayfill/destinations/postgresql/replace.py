"""Replaces days in one transaction: locks, ownership, tables widened, old rows out, new rows in, ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
from adbc_driver_manager import Error

from dayfill.destinations import DayOutcome
from dayfill.destinations.fence import Entry, hold
from dayfill.destinations.load import Request, check
from dayfill.destinations.postgresql import faults, ledger, locks, ownership, tables
from dayfill.destinations.transaction import Aside, write
from dayfill.domain.days import WHOLE
from dayfill.errors import ConnectorError, Transient
from dayfill.outgoing import postgresql
from dayfill.outgoing.postgresql import Server, Session


class _Again(Exception):
    """The transaction is over, and another attempt is due."""


class _Unprepared(_Again):
    """There is no ledger yet."""


class _Stuck(_Again):
    """A load that stood still has been ended."""


class _Gone(_Again):
    """The connection had been closed while nobody used it."""


def replace_days(server: Server, request: Request) -> list[DayOutcome]:
    """Replace the days; outcomes in their order. Loads run side by side, and alone where they would collide."""
    check(request)
    tried: set[type[Exception]] = set()
    while True:
        try:
            with postgresql.session(server) as con:
                return _attempt(con, request, is_alone=Aside in tried)
        except (_Again, Aside) as reason:
            if type(reason) in tried:
                raise Transient("DESTINATION", f"{server.shown} did not come to rest; nothing was changed.") from None
            tried.add(type(reason))
            if isinstance(reason, Aside):
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
    """As `transaction.write`; makes the ledger if there is none."""
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
    return write(con, request, seen, entries, ledger, ownership, tables, is_alone=is_alone)


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
