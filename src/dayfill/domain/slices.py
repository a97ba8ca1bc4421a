"""A slice: one to many days of one transfer, read and loaded together; the job that travels to an executor.

It holds all that the load needs, so the load can run in any thread or process and never sees the state database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from dayfill.domain.reach import NOTHING, Reach
from dayfill.domain.run import Failure, QueryDetail
from dayfill.domain.transfer import DEFAULT_MAX_DAY_GIGABYTES, DEFAULT_MAX_DAY_ROWS, Account, Segment, Table, Value


@dataclass(frozen=True, slots=True)
class DayOrder:
    """One day to load: its run and its fence token."""

    data_date: date
    run_id: int
    token: int


@dataclass(frozen=True, slots=True)
class SourceJob:
    """What to read, through which connection. ``sealed`` are its credentials, opened only inside the load.

    is_revoked: somebody has revoked the connection, so the source is not asked.
    """

    kind: str
    settings: Mapping[str, Value]
    accounts: tuple[Account, ...] = ()
    segments: tuple[Segment, ...] = ()
    zone: str = "UTC"
    sealed: bytes | None = None
    sealed_for: str = ""
    max_day_rows: int = DEFAULT_MAX_DAY_ROWS
    max_day_gigabytes: int = DEFAULT_MAX_DAY_GIGABYTES
    connection_id: int = 0
    is_revoked: bool = False


@dataclass(frozen=True, slots=True)
class DestinationJob:
    """Where to load. ``sealed`` are the destination's secret fields, opened only inside the load.

    rivals: other transfers that own a table of the same name somewhere; a table of any other one may be taken over.
    check_first: it was down a moment ago, so nothing is read from the source before it answers.
    """

    kind: str
    fields: Mapping[str, Value]
    sealed: bytes | None = None
    sealed_for: str = ""
    rivals: frozenset[int] = frozenset()
    check_first: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """Days of one transfer, newest first, and all that is needed to load them. deadline in seconds from its start.

    reach: what the load may open and reach, for it never sees the settings.
    """

    installation_id: str
    team_id: int
    transfer_id: int
    source: SourceJob
    tables: tuple[Table, ...]
    destination: DestinationJob
    days: tuple[DayOrder, ...]
    deadline_seconds: float
    reach: Reach = NOTHING


@dataclass(frozen=True, slots=True)
class TransferJob:
    """What the slices of one transfer share: all that is needed to build them, from one read.

    parked_until, destination_parked_until: nothing of the connection or the destination starts before this instant;
    from then on a single day is tried, and the others follow when it has shown that all is well. None = not parked.
    requests_per_minute: calls of the source that all transfers of the connection share; None = no limit.
    """

    transfer_id: int
    team_id: int
    connection_id: int
    connection_parallelism: int
    requests_per_minute: int | None
    parked_until: datetime | None
    parallelism: int
    deadline_seconds: int
    zone: str
    source: SourceJob
    tables: tuple[Table, ...]
    destination_id: int
    destination_parked_until: datetime | None
    destination: DestinationJob


class Outcome(StrEnum):
    """LOADED: the destination holds this reading. FAILED: it does not. STALE: a newer reading was there already."""

    LOADED = "loaded"
    FAILED = "failed"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class DayResult:
    """What became of one day of a slice.

    rows: over all tables. content_hash: order-free, over all tables. greatest_token: of the destination's ledger, if
    it refused this reading.
    """

    run_id: int
    token: int
    data_date: date
    outcome: Outcome
    rows: int = 0
    size_bytes: int = 0
    content_hash: str | None = None
    failure: Failure | None = None
    greatest_token: int = 0
    queries: tuple[QueryDetail, ...] = ()
