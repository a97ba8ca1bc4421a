"""A load between its look at the ledger and its COMMIT, in one order for every database with transactions.

Each database brings the statements, as modules of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol, TypeVar

from dayfill.destinations import FinishedDay, drift, load
from dayfill.destinations.fence import Entry, Owner, Seen, refuse_other_kind, settle
from dayfill.destinations.load import Request
from dayfill.domain.days import WHOLE
from dayfill.errors import Transient


class Aside(Exception):
    """This load must run alone: it alters a table, or met another one of the same day."""


class Change(Protocol):
    """What must change in a table before its rows fit."""

    @property
    def is_new(self) -> bool: ...
    @property
    def steps(self) -> list[drift.Step]: ...


Con = TypeVar("Con", contravariant=True)
Planned = TypeVar("Planned", bound=Change)


class Ledger(Protocol[Con]):
    """The record of what each day holds."""

    def write(self, con: Con, schema: str, transfer_id: int, entries: Sequence[Entry], seen: Seen, /) -> bool:
        """Write all entries, none of them over a greater token; False if a greater one is there after all."""


class Ownership(Protocol[Con]):
    """Who may load a table."""

    def newest(self, con: Con, schema: str, table: str, /) -> int | None:
        """The greatest token that was ever loaded into a table."""

    def has_rows_of(self, con: Con, schema: str, table: str, /, *, whole: bool) -> bool:
        """Whether a table was ever loaded as a whole, or by day."""

    def claim(self, con: Con, schema: str, owner: Owner, tables: Iterable[str], owners: Mapping[str, Owner], /) -> None:
        """Own the tables that `fence.settle` named; refuse one that holds rows that somebody else put there."""


class Tables(Protocol[Con, Planned]):
    """The tables themselves."""

    def planned(self, con: Con, schema: str, days: Sequence[FinishedDay], index: int, /) -> Planned:
        """The change to the table at this index of the days' tables; nothing is altered yet."""

    def alter(self, con: Con, change: Planned, /) -> None:
        """Create or widen the table."""

    def replace(self, con: Con, change: Planned, days: Sequence[date], /) -> None:
        """Delete the days, or all there is, and insert the rows."""


def write(
    con: Con,
    request: Request,
    seen: Seen,
    entries: list[Entry],
    ledger: Ledger[Con],
    ownership: Ownership[Con],
    tables: Tables[Con, Planned],
    *,
    is_alone: bool,
) -> set[date]:
    """All that is written; returns the days, the rest is stale. Fills ``entries`` when all is in.

    Raises:
        Aside: it would alter a table, and is not alone.
        Permanent: a table is somebody else's, or the rows do not fit.
    """

    def other_kind(table: str, whole: bool) -> bool:
        # The ledger is searched where that is rare.
        if whole and table not in changing:
            return (table, WHOLE) in seen.tokens
        return ownership.has_rows_of(con, request.schema, table, whole=whole)

    changing = settle(
        request.tables, seen.owners, request.claim, lambda table: ownership.newest(con, request.schema, table)
    )
    fresh = seen.fresh(request.days)
    if not fresh:
        return set()
    refuse_other_kind(fresh[0], other_kind)
    changes = [tables.planned(con, request.schema, fresh, index) for index in range(len(request.tables))]
    if (changing or any(change.steps or change.is_new for change in changes)) and not is_alone:
        raise Aside
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
