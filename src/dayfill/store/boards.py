"""What pages show beside each other: rows of several tables in one read, none of which grows with the history."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from dayfill.domain.backfill import Backfill
from dayfill.domain.days import DayRange, DayState
from dayfill.domain.run import Run
from dayfill.domain.transfer import TransferState
from dayfill.store.backfills import backfill_of
from dayfill.store.db import Database, Reader, Row, instant, micros
from dayfill.store.runs import run_of
from dayfill.store.table_groups import tables_of

PAGE = 50
MOST_ACTIVE = 200
"""Active backfills that a page shows; a team may have fewer."""
_NEWEST = 2**62

Cursor = tuple[int, int]
"""(created_time in microseconds, id) of the row that ended the page before."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Until when something is left alone that refused all work, why, and in what words."""

    until: datetime
    cause: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """One transfer in a list. version: of its days. source_rest, destination_rest: what it waits for."""

    transfer_id: int
    name: str
    data_source_id: str
    state: TransferState
    zone: str
    version: int
    connection_id: int
    destination_id: int
    destination_name: str
    destination_type: str
    tables: tuple[str, ...]
    revoked_time: datetime | None
    source_rest: Rest | None
    destination_rest: Rest | None
    next_time: datetime | None


@dataclass(frozen=True, slots=True)
class Tally:
    """The days of a transfer, counted. span: from the first to the last known day. freshest: the newest loaded one.

    Tables without days count as one that has failed, or as the freshest (`WHOLE`) if nothing else is loaded.
    """

    counts: dict[DayState, int]
    span: DayRange | None
    freshest: date | None
    rows: int

    @property
    def total(self) -> int:
        return len(self.span) if self.span is not None else 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The newest failed day of a transfer, and the run that failed."""

    run_id: int | None
    data_date: date
    cause: str
    message: str


async def transfers(
    db: Database, team_id: int, after: str = "", limit: int = PAGE, part: str = "", *, needy: bool = False
) -> list[Line]:
    """Transfers of a team by name, those whose name comes after this one and holds this part.

    needy: only those with failed days, which may be waiting for another try, or with a login that is refused.
    """
    rows = await db.scan("board_of_transfers", team_id=team_id, after=after, part=part, needy=int(needy), limit=limit)
    return [_line(row) for row in rows]


async def count_transfers(db: Database, team_id: int) -> int:
    """How many transfers a team has."""
    [(count,)] = await db.scan("count_transfers", team_id=team_id)
    return int(count)


async def tally(db: Database, transfer_id: int) -> Tally:
    """The days of a transfer that was read by its team."""
    [row] = await db.scan("tally_of_days", transfer_id=transfer_id)
    running, queued, loaded, failed, stale, first, last, freshest, rows, whole_failed = row
    span = DayRange(date.fromisoformat(first), date.fromisoformat(last)) if first else None
    counts = {
        DayState.LOADED: loaded,
        DayState.STALE: stale,
        DayState.FAILED: failed,
        DayState.RUNNING: running,
        DayState.QUEUED: queued,
    }
    counts[DayState.MISSING] = (len(span) if span else 0) - sum(counts.values())
    counts[DayState.FAILED] += whole_failed
    return Tally(counts, span, date.fromisoformat(freshest) if freshest else None, rows)


async def newest_failures(db: Database, transfer_ids: Collection[int]) -> dict[int, Failed]:
    """By transfer, each read by its team, its newest failed day."""
    rows = await db.scan("newest_failures", transfer_ids=_json(transfer_ids))
    return {
        transfer_id: Failed(run_id, date.fromisoformat(day), cause or "", message or "")
        for transfer_id, run_id, day, cause, message in rows
        if day is not None
    }


async def rows_by_day(db: Database, transfer_ids: Collection[int], span: DayRange) -> dict[date, int]:
    """Rows that are held of each day, over transfers that were read by their team."""
    rows = await db.scan(
        "rows_by_day",
        transfer_ids=_json(transfer_ids),
        first=span.start.isoformat(),
        last=span.end.isoformat(),
    )
    return {date.fromisoformat(day): count or 0 for day, count in rows}


async def active_backfills(db: Reader, team_id: int) -> list[Backfill]:
    """The backfills that have not ended, newest first."""
    rows = await db.all("active_backfills_of_team", team_id=team_id, limit=MOST_ACTIVE)
    return [backfill_of(row) for row in rows]


async def count_active(db: Reader, team_id: int) -> int:
    """How many backfills have not ended."""
    row = await db.one("count_active_backfills", team_id=team_id)
    assert row is not None
    return int(row[0])


async def ended_backfills(
    db: Database, team_id: int, transfer_id: int | None = None, before: Cursor | None = None, limit: int = PAGE
) -> list[Backfill]:
    """The backfills that have ended, newest first."""
    query = "ended_backfills" if transfer_id is None else "ended_backfills_of_transfer"
    values = {"team_id": team_id, **_before(before), "limit": limit}
    if transfer_id is not None:
        values["transfer_id"] = transfer_id
    return [backfill_of(row) for row in await db.scan(query, **values)]


async def runs(
    db: Database,
    team_id: int,
    transfer_id: int | None = None,
    before: Cursor | None = None,
    *,
    failed: bool = False,
    span: DayRange | None = None,
    limit: int = PAGE,
) -> list[Run]:
    """Runs of a team or of one transfer, newest first. span: of a transfer, those of these days that have ended."""
    values: dict[str, object] = {"team_id": team_id, **_before(before), "limit": limit}
    if transfer_id is not None and span is not None:
        query = "runs_of_days"
        values |= {"transfer_id": transfer_id, "first": str(span.start), "last": str(span.end), "failed": int(failed)}
    elif transfer_id is not None:
        query = "failed_runs_of_transfer" if failed else "runs_of_transfer"
        values["transfer_id"] = transfer_id
    else:
        query = "board_of_failed_runs" if failed else "board_of_runs"
    return [run_of(row) for row in await db.scan(query, **values)]


async def transfers_per_destination(db: Database, team_id: int) -> dict[int, int]:
    """How many transfers load into each destination that has any."""
    return {row[0]: row[1] for row in await db.scan("transfers_per_destination", team_id=team_id)}


async def transfers_per_connection(db: Database, team_id: int) -> dict[int, int]:
    """How many transfers read with each connection that has any."""
    return {row[0]: row[1] for row in await db.scan("transfers_per_connection", team_id=team_id)}


async def rests_of_destinations(db: Database, team_id: int) -> dict[int, Rest]:
    """The destinations that took nothing when they were last tried."""
    rows = await db.scan("rests_of_destinations", team_id=team_id)
    return {row[0]: rest for row in rows if (rest := _rest(*row[1:])) is not None}


async def rests_of_connections(db: Database, team_id: int) -> dict[int, Rest]:
    """The connections whose source refused them when they were last tried."""
    rows = await db.scan("rests_of_connections", team_id=team_id)
    return {row[0]: rest for row in rows if (rest := _rest(*row[1:])) is not None}


async def names(db: Database, team_id: int, transfer_ids: Collection[int]) -> dict[int, str]:
    """Names of transfers, deleted ones too."""
    rows = await db.scan("names_of_transfers", team_id=team_id, transfer_ids=_json(transfer_ids))
    return {row[0]: row[1] for row in rows}


async def choices(db: Database, team_id: int, limit: int) -> dict[int, str]:
    """Names of the transfers that are there, by name."""
    return {row[0]: row[1] for row in await db.scan("choices_of_transfers", team_id=team_id, limit=limit)}


def cursor(created_time: datetime, row_id: int) -> Cursor:
    """The cursor of the page after this row."""
    at = micros(created_time)
    assert at is not None
    return at, row_id


def _before(before: Cursor | None) -> dict[str, object]:
    at, row_id = before or (_NEWEST, _NEWEST)
    return {"before_time": at, "before_id": row_id}


def _json(ids: Collection[int]) -> str:
    return msgspec.json.encode(sorted(ids)).decode()


def _rest(until: int, cause: str, reason: str) -> Rest | None:
    at = instant(until or None)
    return None if at is None else Rest(at, cause, reason)


def _line(row: Row) -> Line:
    transfer_id, name, source, state, zone, version, connection_id, destination_id = row[:8]
    destination, kind, tables, revoked = row[8:12]
    return Line(
        transfer_id,
        name,
        source,
        TransferState(state),
        zone,
        version,
        connection_id,
        destination_id,
        destination,
        kind,
        tuple(table.name for table in tables_of(tables)),
        instant(revoked),
        _rest(*row[12:15]),
        _rest(*row[15:18]),
        instant(row[18]),
    )
