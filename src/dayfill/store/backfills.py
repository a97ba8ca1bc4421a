"""Backfills in the state database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from dayfill.domain.backfill import MAX_DAYS, Backfill, BackfillStatus, DayFailure
from dayfill.domain.days import DayRange
from dayfill.domain.run import Priority
from dayfill.store.db import MICROSECOND, Database, Reader, Row, Tx, instant, micros, moment

_ALL_TIME = (0, 2**62)
_STATUSES = {status.value: status for status in BackfillStatus}
"""As `days.BY_LETTER`: calling the enumeration takes ten times as long."""


@dataclass(frozen=True, slots=True)
class LockedTransfer:
    """A transfer whose lock the transaction holds."""

    transfer_id: int
    zone: str
    data_source_id: str


@dataclass(frozen=True, slots=True)
class NewBackfill:
    """A backfill whose runs do not all exist yet. chosen: its days as ranges, None for all of the range."""

    backfill_id: int
    team_id: int
    transfer_id: int
    days: DayRange
    priority: Priority
    chosen: tuple[DayRange, ...] | None
    created: int
    is_paused: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What the recording of a result must know of its backfill."""

    team_id: int
    status: BackfillStatus
    is_paused: bool
    fatal_cause: str | None
    fatal_streak: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of a backfill right after a change."""

    status: BackfillStatus
    total: int
    completed: int
    failed: int


@dataclass(slots=True)
class Results:
    """What a batch of results changes on one backfill: its counters, and its streak of equal fatal errors."""

    fatal_cause: str | None
    fatal_streak: int
    ended: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    rows: int = 0


async def lock_transfer(tx: Tx, team_id: int, transfer_id: int) -> LockedTransfer | None:
    """Serialise with every other change of this transfer's backfills; None if it is not this team's."""
    row = await tx.one("lock_transfer", team_id=team_id, transfer_id=transfer_id)
    return LockedTransfer(*row) if row else None


async def insert(
    tx: Tx,
    team_id: int,
    user_id: int,
    transfer_id: int,
    days: DayRange,
    *,
    now: datetime,
    priority: Priority,
    total: int,
    only: Sequence[str] = (),
    chosen: Sequence[DayRange] | None = None,
) -> int:
    """A new backfill, CREATED; returns its id. chosen is kept only where it is not simply the range."""
    row = await tx.one(
        "insert_backfill",
        team_id=team_id,
        transfer_id=transfer_id,
        range_start=days.start.isoformat(),
        range_end=days.end.isoformat(),
        priority=int(priority),
        now=micros(now),
        user_id=user_id,
        total=total,
        only_states=msgspec.json.encode(list(only)).decode(),
        chosen=None if chosen is None else msgspec.json.encode([(r.start, r.end) for r in chosen]).decode(),
    )
    assert row is not None
    return int(row[0])


async def get(db: Reader, team_id: int, backfill_id: int) -> Backfill | None:
    row = await db.one("get_backfill", team_id=team_id, backfill_id=backfill_id)
    return backfill_of(row) if row else None


async def latest(db: Reader, team_id: int, transfer_id: int) -> Backfill | None:
    row = await db.one("latest_backfill", team_id=team_id, transfer_id=transfer_id)
    return backfill_of(row) if row else None


async def incomplete(db: Reader, team_id: int) -> list[Backfill]:
    """At most 100, newest first; none of a deleted transfer."""
    return [backfill_of(row) for row in await db.all("incomplete_backfills", team_id=team_id)]


async def page(
    db: Database,
    team_id: int,
    *,
    statuses: Sequence[BackfillStatus] = (),
    transfer_id: int | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> list[Backfill]:
    """Backfills in any status, newest first; ``before`` is the (created_time, id) that ended the page before."""
    first, last = _ALL_TIME
    rows = await db.scan(
        "page_backfills",
        team_id=team_id,
        transfer_id=transfer_id or 0,
        statuses=f",{','.join(statuses)}," if statuses else "",
        created_from=micros(created_from) or first,
        created_to=micros(created_to) or last,
        before_time=micros(before[0]) if before else last,
        before_id=before[1] if before else last,
        limit=limit,
    )
    return [backfill_of(row) for row in rows]


async def overlapping(db: Reader, transfer_id: int, days: DayRange, except_id: int = 0) -> list[Backfill]:
    """Active backfills of the transfer that share a day with the range."""
    rows = await db.all(
        "overlapping_backfills",
        transfer_id=transfer_id,
        range_start=days.start.isoformat(),
        range_end=days.end.isoformat(),
        except_id=except_id,
    )
    return [backfill_of(row) for row in rows]


async def active(db: Reader, team_id: int, transfer_id: int) -> list[Backfill]:
    """The active backfills of a transfer of this team, oldest first."""
    found = await overlapping(db, transfer_id, DayRange(date.min, date.max))
    return [backfill for backfill in found if backfill.team_id == team_id]


async def active_ids(tx: Tx, transfer_id: int) -> list[int]:
    return [row[0] for row in await tx.all("active_backfills_of_transfer", transfer_id=transfer_id)]


async def failures(db: Reader, backfill_id: int, limit: int = MAX_DAYS) -> list[DayFailure]:
    """Failed days, newest first. The caller has read the backfill by its team."""
    rows = await db.scan("backfill_failures", backfill_id=backfill_id, limit=limit)
    return [
        DayFailure(date.fromisoformat(day), message, run_id, cause or "", attempts)
        for day, message, run_id, cause, attempts in rows
    ]


async def paces(db: Reader, transfer_id: int) -> list[float]:
    """Seconds of work per day of the last finished backfills of a transfer, newest first."""
    return [max(row[0], 0.0) for row in await db.all("backfill_paces", transfer_id=transfer_id)]


async def next_new(db: Reader) -> NewBackfill | None:
    """The most urgent backfill that is still CREATED, of equal ones the oldest."""
    row = await db.one("next_new_backfill")
    if row is None:
        return None
    backfill_id, team_id, transfer_id, start, end, priority, chosen, created, paused = row
    ranges = None
    if chosen is not None:
        ranges = tuple(DayRange(*pair) for pair in msgspec.json.decode(chosen, type=list[tuple[date, date]]))
    days = DayRange(date.fromisoformat(start), date.fromisoformat(end))
    return NewBackfill(backfill_id, team_id, transfer_id, days, Priority(priority), ranges, created, paused is not None)


async def count_created(tx: Tx, backfill_id: int, inserted: int) -> BackfillStatus | None:
    """Status after the count, or None if the backfill is no longer CREATED (it was cancelled)."""
    row = await tx.one("count_created", backfill_id=backfill_id, inserted=inserted)
    return BackfillStatus(row[0]) if row else None


async def count_claimed(tx: Tx, claimed: Sequence[tuple[int, int]], now: datetime) -> None:
    """claimed: (backfill id, runs that start now)."""
    moment_us = micros(now)
    await tx.many("count_claimed", [{"backfill_id": b, "claimed": n, "now": moment_us} for b, n in claimed])


async def standings(tx: Tx, backfill_ids: Sequence[int]) -> dict[int, Standing]:
    """What the recording of results must know of their backfills."""
    rows = await tx.many("backfill_standing", [{"backfill_id": one} for one in backfill_ids])
    return {row[0]: Standing(row[1], BackfillStatus(row[2]), row[3] is not None, *row[4:]) for row in rows}


async def count_results(tx: Tx, backfill_id: int, results: Results) -> Counts:
    row = await tx.one(
        "count_results",
        backfill_id=backfill_id,
        ended=results.ended,
        completed=results.completed,
        failed=results.failed,
        cancelled=results.cancelled,
        rows=results.rows,
        fatal_cause=results.fatal_cause,
        fatal_streak=results.fatal_streak,
    )
    return _counts(row)


async def stop(tx: Tx, backfill_id: int, stopped: int, cause: str, now: datetime) -> Counts:
    """Count untried days that have failed because the backfill was stopped."""
    values = {"stopped": stopped, "cause": cause, "now": micros(now)}
    return _counts(await tx.one("stop_backfill", backfill_id=backfill_id, **values))


async def finish(tx: Tx, backfill_id: int, status: BackfillStatus, now: datetime) -> None:
    """Terminal status of a RUNNING backfill; one that was cancelled meanwhile stays as it is."""
    await tx.one("finish_backfill", backfill_id=backfill_id, status=status.value, now=micros(now))


async def cancel(tx: Tx, backfill_id: int, user_id: int, cancelled: int, now: datetime) -> None:
    await tx.one("cancel_backfill", backfill_id=backfill_id, user_id=user_id, cancelled=cancelled, now=micros(now))


async def reopen(tx: Tx, backfill_id: int, retried: int, now: datetime) -> None:
    await tx.one("reopen_backfill", backfill_id=backfill_id, retried=retried, now=micros(now))


async def pause(tx: Tx, backfill_id: int, user_id: int, now: datetime) -> None:
    await tx.one("pause_backfill", backfill_id=backfill_id, user_id=user_id, now=micros(now))


async def resume(tx: Tx, backfill_id: int, rest: timedelta) -> None:
    """rest: how long nothing of it has run."""
    await tx.one("resume_backfill", backfill_id=backfill_id, rest=rest // MICROSECOND)


async def newest_end(db: Reader, backfill_id: int) -> datetime | None:
    """When the last of its days that have ended did; costs a look at each of its runs."""
    ((newest,),) = await db.scan("newest_end", backfill_id=backfill_id)
    return instant(newest)


def _counts(row: Row | None) -> Counts:
    assert row is not None
    status, *numbers = row
    return Counts(BackfillStatus(status), *numbers)


def backfill_of(row: Row) -> Backfill:
    """A row of `get_backfill` and its like, whose columns have the order of the fields; every poll makes one."""
    backfill_id, team_id, transfer_id, start, end, status, priority, created, created_by, *more = row
    began, ended, removed, removed_by, paused, paused_by, *counts, only, stopped_cause, paced = more
    values = (
        *(backfill_id, team_id, transfer_id, DayRange(date.fromisoformat(start), date.fromisoformat(end))),
        *(_STATUSES[status], priority, moment(created), created_by, instant(began), instant(ended)),
        *(instant(removed), removed_by, instant(paused), paused_by, *counts, _choice(only), stopped_cause),
        instant(paced),
    )
    return Backfill._make(values)


def _choice(text: str) -> tuple[str, ...]:
    return () if text == "[]" else msgspec.json.decode(text, type=tuple[str, ...])
