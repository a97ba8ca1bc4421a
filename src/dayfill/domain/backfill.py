"""A backfill: one range of days of one transfer, done again, newest day first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from dayfill.domain.days import DayRange

MAX_DAYS = 10_000
STOP_AFTER_EQUAL_FATAL = 3
"""This many equal fatal errors in a row (a revoked login, a destination that is gone) stop the untried days."""


class BackfillStatus(StrEnum):
    CREATED = "CREATED"
    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


ACTIVE = frozenset({BackfillStatus.CREATED, BackfillStatus.SCHEDULED, BackfillStatus.RUNNING})
"""Statuses that block an overlapping backfill of the same transfer."""

MOVES: dict[BackfillStatus, frozenset[BackfillStatus]] = {
    BackfillStatus.CREATED: frozenset({BackfillStatus.SCHEDULED, BackfillStatus.CANCELLED}),
    BackfillStatus.SCHEDULED: frozenset({BackfillStatus.RUNNING, BackfillStatus.CANCELLED}),
    BackfillStatus.RUNNING: frozenset({BackfillStatus.COMPLETED, BackfillStatus.FAILED, BackfillStatus.CANCELLED}),
    BackfillStatus.FAILED: frozenset({BackfillStatus.RUNNING, BackfillStatus.CANCELLED}),
    BackfillStatus.COMPLETED: frozenset(),
    BackfillStatus.CANCELLED: frozenset(),
}
"""Allowed moves of a status, to which a test holds the store's queries; FAILED goes back to RUNNING by a retry only."""


class Backfill(NamedTuple):
    """One backfill as the state database holds it; counters move only together with the runs they count.

    A named tuple, since every poll of a client makes one: a frozen dataclass of this width takes six times as long.
    """

    backfill_id: int
    team_id: int
    transfer_id: int
    days: DayRange
    status: BackfillStatus
    priority: int
    created_time: datetime
    created_user_id: int
    start_time: datetime | None
    end_time: datetime | None
    removed_time: datetime | None
    removed_user_id: int | None
    paused_time: datetime | None
    paused_user_id: int | None
    total: int
    created: int
    completed: int
    failed: int
    cancelled: int
    running: int
    rows_total: int
    only: tuple[str, ...]
    stopped_cause: str | None
    paced_since: datetime | None = None
    """In place of the start, for the pace: what is not work lies before it."""

    @property
    def waiting(self) -> int:
        """Runs that exist and have neither started nor ended."""
        return self.created - self.completed - self.failed - self.cancelled - self.running

    def worked(self, now: datetime) -> timedelta:
        """What the days that are done have taken, without pauses and the rest before a retry."""
        since = self.paced_since or self.start_time or now
        until = self.end_time or (self.paused_time if self.running == 0 else None) or now
        return max(until - since, timedelta(0))

    def rest(self, newest_end: datetime | None, now: datetime) -> timedelta:
        """How long nothing of it has run for a pause, which ends now. newest_end: of its days, if one has ended."""
        if self.running or self.paused_time is None:
            return timedelta(0)
        return max(now - max(self.paused_time, newest_end or self.paused_time), timedelta(0))


@dataclass(frozen=True, slots=True)
class DayFailure:
    """One failed day of a backfill: a line of its error report."""

    data_date: date
    error: str
    run_id: int
    cause: str
    attempts: int


def settled_status(total: int, completed: int, failed: int) -> BackfillStatus | None:
    """Terminal status once every day has had its final attempt, else None. One failed day makes it FAILED."""
    if completed + failed < total:
        return None
    return BackfillStatus.FAILED if failed else BackfillStatus.COMPLETED
