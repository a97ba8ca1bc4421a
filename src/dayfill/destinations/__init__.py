"""Where data goes. One file per kind, found by its destination type; each kind meets the `Destination` protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any, Protocol

import pyarrow as pa

from dayfill.domain.reach import NOTHING, Reach
from dayfill.domain.secret import Secret
from dayfill.domain.transfer import Value
from dayfill.errors import Permanent

KINDS = {"DWH_DUCKDB": "duckdb", "DWH_POSTGRESQL": "postgresql"}
"""Destination type -> module of this package."""
LOCAL = frozenset({"DWH_DUCKDB"})
"""Types that one process must own: their loads run in the server, never on a cluster."""
UNDRAWN = 2**62
"""No installation draws a token so great: a ledger that holds this one or a greater one was edited."""


@dataclass(frozen=True, slots=True)
class DestinationField:
    """One setting of a destination, as a form shows it. Secret fields are sealed at rest and never shown again.

    is_path: it names a file of the server, which must lie where the team may have files. is_long: it is a text of
    several lines.
    """

    field_id: str
    label: str
    is_required: bool = True
    is_secret: bool = False
    help_text: str = ""
    is_path: bool = False
    is_long: bool = False


HELD = "HELD"
"""Cause with which a destination refuses that another process holds, and that one process only may open."""


@dataclass(frozen=True, slots=True)
class DestinationConfig:
    """One destination of a team, with secrets opened. installation_id owns the tables that are loaded through it.

    rivals: transfers of this installation whose tables must not be touched, None for all but the loading one. A table
    of a transfer that is no rival (deleted, or moved elsewhere) passes to the loading one, if none of the table's
    tokens is greater than its own. read_only: what is opened is opened for reading, so not even a log is folded in.
    reach: what of the machine it may open.
    """

    installation_id: str
    fields: Mapping[str, Value]
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    rivals: frozenset[int] | None = None
    read_only: bool = False
    reach: Reach = NOTHING


class Rows(Protocol):
    """Rows that can be read as often as it takes: a `pyarrow.Table`, or a large reading that waits in a file.

    Such a reading may still be coming: then their number is known at its end, and what fails on the way is raised where
    they are read or counted. So a load reads them first, and counts them before it writes the ledger.
    """

    @property
    def schema(self) -> pa.Schema: ...

    @property
    def num_rows(self) -> int: ...

    @property
    def nbytes(self) -> int: ...

    def to_reader(self) -> pa.RecordBatchReader:
        """All rows from the beginning, in batches; what goes wrong on the way is a `Transient`."""


@dataclass(frozen=True, slots=True)
class FinishedTable:
    """A complete reading of one day of one table: ``rows`` may be empty, its schema may not.

    date_column: None for a table without days, whose only day is `WHOLE` and which is replaced as a whole. hashed: the
    hash of the rows, or what tells it at the end of rows that are still coming.
    """

    name: str
    date_column: str | None
    rows: Rows
    hashed: str | Callable[[], str]

    @property
    def content_hash(self) -> str:
        return self.hashed if isinstance(self.hashed, str) else self.hashed()


@dataclass(frozen=True, slots=True)
class FinishedDay:
    """A complete reading of one day, ready to replace the old one in all its tables."""

    transfer_id: int
    data_date: date
    run_id: int
    token: int
    tables: tuple[FinishedTable, ...]


class DayOutcome(StrEnum):
    """LOADED: committed. STALE: the ledger holds a greater token for this day; nothing of the day was written."""

    LOADED = "loaded"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What the destination says about one day of one table."""

    transfer_id: int
    table_name: str
    data_date: date
    token: int
    run_id: int
    row_count: int
    content_hash: str
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class HeldTable:
    """One table as it stands, beside its ledger rows of the same moment.

    counts: rows per date, once for every column that holds dates; one of these columns is that of its days. All rows
    are those of `WHOLE` if the ledger says so. None if the table is not there.
    """

    name: str
    ledger: tuple[LedgerRow, ...]
    counts: tuple[Mapping[date, int], ...] | None


class Destination(Protocol):
    """A kind of destination: plain sync code. Errors: `Transient` or `Permanent`, nothing else."""

    kind: str
    title: str
    fields: tuple[DestinationField, ...]

    def location(self, fields: Mapping[str, Value]) -> str:
        """One text per physical place, equal for all spellings of it; nothing is opened or reached."""

    def check(self, config: DestinationConfig) -> None:
        """The destination can be reached and written."""

    def replace_days(
        self, config: DestinationConfig, days: Sequence[FinishedDay], before_commit: Callable[[], None]
    ) -> list[DayOutcome]:
        """Replace each day in all its tables, with its ledger row, in ONE transaction; outcomes in the order given.

        ``before_commit`` is called when all is written and only COMMIT is left; what it raises rolls all of it back.
        All days must name the same tables. Tables that nobody owns are owned from then on. Any error leaves every
        day as it was; a table of another transfer or installation is one, with cause OWNERSHIP, and so is a table that
        was loaded by day and comes as a whole, or the other way round.
        """

    def ledger(self, config: DestinationConfig, transfer_id: int) -> list[LedgerRow]:
        """All ledger rows of a transfer."""

    def greatest_token(self, config: DestinationConfig) -> int:
        """The greatest token in the ledger below `UNDRAWN`, 0 if there is none."""

    def held(self, config: DestinationConfig, transfer_id: int, tables: Sequence[str]) -> list[HeldTable]:
        """The tables of a transfer, counted by day; nothing is made or changed."""

    def read_day(
        self, config: DestinationConfig, table: FinishedTable, day: date, take: Callable[[pa.RecordBatch], None]
    ) -> None:
        """Hand over the rows that the table holds of a day, in the columns and types of another reading of it.

        Columns that the table does not have come as nulls; no table at all is no rows.
        """


@cache
def get(kind: str) -> Destination:
    """The destination of this type.

    Raises:
        Permanent: no such kind.
    """
    if kind not in KINDS:
        raise Permanent("CONFIG", f"There is no destination type {kind!r}; known are {', '.join(sorted(KINDS))}.")
    module: Any = import_module(f"dayfill.destinations.{KINDS[kind]}")
    destination: Destination = module.DESTINATION
    return destination
