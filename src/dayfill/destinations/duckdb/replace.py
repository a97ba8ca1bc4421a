"""Replaces days in one transaction: ownership, tables widened, ledger, old rows out, new rows in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import duckdb
import pyarrow as pa

from dayfill.destinations import DayOutcome, FinishedDay, FinishedTable
from dayfill.destinations.duckdb import faults, incoming, ledger, ownership, tables
from dayfill.destinations.duckdb.pool import Session
from dayfill.destinations.names import checked
from dayfill.errors import Permanent, Transient


@dataclass(frozen=True)
class Request:
    """Days of one transfer that are to be replaced together."""

    schema: str
    installation_id: str
    rivals: frozenset[int] | None
    days: tuple[FinishedDay, ...]
    before_commit: Callable[[], None]

    @property
    def transfer_id(self) -> int:
        return self.days[0].transfer_id

    @property
    def claim(self) -> ownership.Claim:
        owner = ownership.Owner(self.installation_id, self.transfer_id)
        return ownership.Claim(owner, min(day.token for day in self.days), self.rivals)

    @cached_property
    def tables(self) -> tuple[str, ...]:
        return tuple(table.name for table in self.days[0].tables)


class _Aside(Exception):
    """This load must run alone: it alters a table, or met another load of the same day."""


def replace_days(opened: Session, request: Request) -> list[DayOutcome]:
    """Replace the days; outcomes in their order. Loads run side by side, and alone where they would collide."""
    _check(request)
    try:
        with opened.shared():
            return _attempt(opened, request, is_alone=False)
    except _Aside:
        with opened.alone():
            return _attempt(opened, request, is_alone=True)


def _attempt(opened: Session, request: Request, *, is_alone: bool) -> list[DayOutcome]:
    entries: list[ledger.Entry] = []
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


def _write(
    con: duckdb.DuckDBPyConnection, request: Request, entries: list[ledger.Entry], *, is_alone: bool
) -> set[date]:
    """All statements before COMMIT; returns the days written, the rest is stale. Fills ``entries`` when all is in."""
    seen = ledger.look(
        con, request.schema, request.tables, request.transfer_id, [day.data_date for day in request.days]
    )
    changing = ownership.settle(con, request.schema, request.tables, seen.owners, request.claim)
    fresh = [day for day in request.days if not _is_stale(day, seen)]
    if not fresh:
        return set()
    changes = [tables.planned(con, request.schema, fresh, index) for index in range(len(request.tables))]
    if (changing or any(change.steps or change.is_new for change in changes)) and not is_alone:
        raise _Aside
    ownership.claim(con, request.schema, request.claim.owner, changing, seen.owners)
    for change in changes:
        tables.alter(con, change)
    written = [_entry(day, table) for day in fresh for table in day.tables]
    if not ledger.write(con, request.schema, request.transfer_id, written, seen):
        raise Transient("CONFLICT", "Another load changed the same day at the same time; it is tried again.")
    days = [day.data_date for day in fresh]
    for change in changes:
        tables.replace(con, change, days)
    entries += written
    return set(days)


def _check(request: Request) -> None:
    """What a caller could get wrong, before anything is opened."""
    if len({table.lower() for table in request.tables}) < len(request.tables):
        raise Permanent("SCHEMA", "Two tables of the transfer have the same name; rename one in the table group.")
    if len({day.data_date for day in request.days}) < len(request.days):
        raise Permanent("CONFIG", "A day was given twice in one load.")
    if not request.tables:
        raise Permanent("CONFIG", "The transfer has no tables: add one to its table group.")
    for name in request.tables:
        checked(name, "table")
    for day in request.days:
        if day.transfer_id != request.transfer_id or tuple(table.name for table in day.tables) != request.tables:
            raise Permanent("CONFIG", "The days of one load must fill the same tables of one transfer.")
        for table in day.tables:
            incoming.check(day.data_date, table)


def _is_stale(day: FinishedDay, seen: ledger.Seen) -> bool:
    return any(seen.tokens.get((table.name, day.data_date), day.token) > day.token for table in day.tables)


def _entry(day: FinishedDay, table: FinishedTable) -> ledger.Entry:
    return ledger.Entry(table.name, day.data_date, day.token, day.run_id, table.rows.num_rows, table.content_hash)


def _is_committed(opened: Session, request: Request, entries: Sequence[ledger.Entry]) -> bool:
    """After an error at or before COMMIT: True if the ledger says that it took effect all the same."""
    try:
        return ledger.holds(opened.connection, request.schema, request.transfer_id, entries)
    except duckdb.Error:
        return False
