"""A transfer run: one data date of one transfer, read and replaced once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum

MAX_ATTEMPTS = 4
LOST = "LOST"
"""Cause of an attempt that ended with the server or with its worker."""
FIRST_BACKOFF, LONGEST_BACKOFF = timedelta(seconds=2), timedelta(hours=1)
SHORTEST_PARK, LONGEST_PARK = timedelta(seconds=1), timedelta(days=1)
"""A source may state any wait. Shorter would spin, as the attempt is given back; after a day it is asked again."""


class RunStatus(StrEnum):
    """CREATED waits for its backfill to be resumed; QUEUED may be claimed; the last three are final."""

    CREATED = "CREATED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class RunType(StrEnum):
    """The two values that the wire allows."""

    RECURRING = "Recurring"
    BACKFILL = "Backfill"


class Trigger(StrEnum):
    SCHEDULE = "schedule"
    MANUAL = "manual"
    BACKFILL = "backfill"
    RETRY = "retry"


class Priority(IntEnum):
    """Lower is claimed first."""

    INTERACTIVE = 0
    SCHEDULE = 1
    RETRY = 2
    BACKFILL = 3


@dataclass(frozen=True, slots=True)
class QueryDetail:
    """One query of a run: one table for one batch of accounts. duration in seconds."""

    table: str
    status: str
    rows: int
    duration: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run as the state database holds it. rows, content_hash: of its last completed reading."""

    run_id: int
    team_id: int
    transfer_id: int
    backfill_id: int | None
    data_date: date
    run_type: RunType
    trigger: Trigger
    priority: int
    status: RunStatus
    attempts: int
    message: str
    cause: str | None
    created_time: datetime
    queued_time: datetime | None
    started_time: datetime | None
    ended_time: datetime | None
    rows: int | None
    content_hash: str | None
    queries: tuple[QueryDetail, ...]


class Side(StrEnum):
    """The two ends of a transfer that may refuse all work for a while."""

    SOURCE = "source"
    DESTINATION = "destination"


MESSAGE_LENGTH = 500
"""Characters of an error text that are kept; the wire allows 1,000."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a day was not loaded.

    retry_after: seconds until another try makes sense, which costs no attempt. parks: the side that refused the work as
    a whole; it rests, whether or not it said for how long, and the attempt is given back. at_once: up to this attempt
    the next follows without a wait, which would spare nothing. in_company: others failed by the same, so the day itself
    need not be its cause.
    """

    cause: str
    message: str
    transient: bool
    fatal: bool = False
    retry_after: float | None = None
    parks: Side | None = None
    at_once: int = 0
    in_company: bool = False


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The run waits until ``not_before``; ``give_back`` returns the attempt that was counted at claim."""

    not_before: datetime
    give_back: bool = False


def backoff(attempts: int, jitter: float) -> timedelta:
    """Delay before the next attempt: doubles from 2 s up to an hour. jitter in 0..1 spreads it over 50-100 %."""
    doublings = min(max(attempts - 1, 0), 11)  # enough for an hour; a timedelta overflows soon after
    longest = min(FIRST_BACKOFF * (1 << doublings), LONGEST_BACKOFF)
    return longest * (0.5 + jitter / 2)


def stated_rest(retry_after: float) -> timedelta:
    """A wait that was stated in seconds, whatever number that is, within what makes sense."""
    # The bound comes first in min: it wins over a NaN.
    return max(SHORTEST_PARK, timedelta(seconds=min(LONGEST_PARK.total_seconds(), max(0.0, retry_after))))


def after_failure(failure: Failure, attempts: int, now: datetime, jitter: float) -> TryAgain | None:
    """What follows a failed attempt: another try, or None when the day has FAILED for good."""
    if not failure.transient:
        return None
    if failure.retry_after is not None:
        return TryAgain(now + stated_rest(failure.retry_after), give_back=True)
    if attempts >= MAX_ATTEMPTS:
        # The day is made sure of: it is tried again with nothing beside it.
        return TryAgain(now, give_back=True) if failure.in_company else None
    return TryAgain(now if attempts <= failure.at_once else now + backoff(attempts, jitter))
