"""A transfer: which source, which tables, which destination, when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dayfill.domain.schedule import Schedule

TYPE_PATTERN = re.compile(
    r"STRING|INTEGER|FLOAT|BOOLEAN|DATE|TIMESTAMP|TIMESTAMPTZ|DECIMAL\(([1-9]|[12][0-9]|3[0-8]),\s?([0-9]|[12][0-9]|3[0-8])\)",
    re.ASCII,
)
"""Data types of a field: 64-bit INTEGER and FLOAT; TIMESTAMP (naive) and TIMESTAMPTZ (UTC) in microseconds."""

Value = str | bool | int | None

RESERVED_SETTINGS = frozenset(
    {
        "timezone",
        "parallelism",
        "weight",
        "requests_per_minute",
        "deadline_seconds",
        "max_day_rows",
        "max_day_gigabytes",
    }
)
"""Settings that every source has; dayfill itself obeys them and no source sees them."""
DEFAULT_PARALLELISM, MAX_PARALLELISM = 4, 32
HIGHEST_REQUESTS_PER_MINUTE = 1_000_000
DEFAULT_DEADLINE_SECONDS, MAX_DEADLINE_SECONDS = 3600, 86_400
DEFAULT_MAX_DAY_ROWS, HIGHEST_MAX_DAY_ROWS = 100_000_000, 10**12
DEFAULT_MAX_DAY_GIGABYTES, HIGHEST_MAX_DAY_GIGABYTES = 20, 100_000
"""A reading that sends more for one day is taken for one that never ends. Gigabytes in memory, unpacked."""


class TransferState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


class Partition(StrEnum):
    """How a table is replaced: by data date, or as a whole with each refresh; such a table has no days, and backfills
    skip it.
    """

    DATE = "date"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its id at the source, its column name at the destination, its data type (`TYPE_PATTERN`)."""

    field_id: str
    target_name: str
    data_type: str
    field_name: str = ""
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a table group. ``name`` is the destination's table name, prefix included; no fields = infer them."""

    name: str
    fields: tuple[Field, ...] = ()
    partition: Partition = Partition.DATE
    report_type: str | None = None


@dataclass(frozen=True, slots=True)
class TableGroup:
    """A named set of tables of one data source; ``schema_id`` is its number on the wire."""

    schema_id: int
    team_id: int
    data_source_id: str
    name: str
    table_prefix: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """An account at the source; login_id is 0 for sources that need no login."""

    data_source_username: str = ""
    login_id: int = 0
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment at the source, such as "all users"."""

    data_source_username: str = ""
    login_id: int = 0
    segment_id: str = ""
    segment_name: str = ""


@dataclass(frozen=True, slots=True)
class SourceSetting:
    """One setting of the source. The ids in `RESERVED_SETTINGS` mean the same for every source."""

    field_id: str
    value: Value = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a person chose for a transfer; replaced as a whole by an update."""

    data_source_id: str
    schema_id: int
    destination_id: int
    display_name: str
    schedules: tuple[Schedule, ...] = ()
    accounts: tuple[Account, ...] = ()
    segments: tuple[Segment, ...] = ()
    settings: tuple[SourceSetting, ...] = ()
    notification_recipients: tuple[str, ...] = ()
    transfer_type: int | None = None

    @property
    def logins(self) -> tuple[int, ...]:
        """The ids of the logins that accounts and segments name, each once."""
        named = [account.login_id for account in self.accounts] + [segment.login_id for segment in self.segments]
        return tuple(dict.fromkeys(login_id for login_id in named if login_id))


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer as the state database holds it."""

    transfer_id: int
    team_id: int
    state: TransferState
    configuration: Configuration
    created_time: datetime
    created_user_id: int
    connection_id: int
    parallelism: int = DEFAULT_PARALLELISM
    deadline_seconds: int = DEFAULT_DEADLINE_SECONDS
    zone: str = "UTC"
