"""Files: CSV, JSON lines and Parquet, plain or gzip, by a path, a pattern or a path with the date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from dayfill.domain.transfer import Partition, Table
from dayfill.errors import ConnectorError, Transient
from dayfill.outgoing import is_url
from dayfill.sources import DaysRead, Source, SourceAccount, SourceConfig
from dayfill.sources.files import download, options, selection, translated
from dayfill.sources.files.connection import IDLE, Connection
from dayfill.sources.files.deadline import Deadline
from dayfill.sources.files.paths import Stamp
from dayfill.sources.files.plan import Plan, make
from dayfill.sources.files.query import Scan
from dayfill.sources.files.reading import FilesRead
from dayfill.sources.files.unpack import unpack

_SCHEMA_SECONDS = 60.0
"""Somebody waits for the columns."""
_TOO_MUCH = (
    f"The columns were not found within {_SCHEMA_SECONDS:g} s: path matches too many files, or they are packed, or "
    "far away. Let it match fewer, or make the transfer without this check: its days have a deadline of their own."
)


class Files:
    """Files that the server can open: one scan for all days of a slice; a path with the date opens theirs only."""

    kind = "FILES"
    title = "Files"
    description = "CSV, JSON lines and Parquet files, also gzip, on the server's own disk or at a URL."
    category = "Files"
    settings = options.SETTINGS
    has_accounts = False
    lists_accounts = False
    reads_whole = True
    max_days_per_read = 366

    def accounts(self, config: SourceConfig, deadline: float) -> Sequence[SourceAccount]:
        return ()

    def check(self, config: SourceConfig, table: Table) -> None:
        """The files are there and have the columns; no row is read."""
        self.schema(config, table)

    def schema(self, config: SourceConfig, table: Table) -> pa.Schema:
        """The columns as they will be read: as declared, if the files have them, or as inferred from all there are now.

        Raises:
            ConnectorError: a setting, a path or a column is wrong, or there is too much to look at.
        """
        clock = Deadline(_SCHEMA_SECONDS)
        try:
            with ExitStack() as closing:
                return _prepare(config, table, [], clock, closing).plan.schema
        except Transient:
            if not clock.over:
                raise
            raise Transient("TIMEOUT", _TOO_MUCH) from None

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> DaysRead:
        """Read these days; lazy once the files and their columns are known.

        Raises:
            Permanent: a setting, a path or a column is wrong.
            Transient: the deadline passed.
        """
        clock = Deadline(deadline)
        with ExitStack() as closing:
            ready = _prepare(config, table, days, clock, closing)
            return FilesRead(ready.con, ready.plan, ready.scans, clock, ready.failed, closing.pop_all())


@dataclass(frozen=True, slots=True)
class _Ready:
    con: Connection
    plan: Plan
    scans: list[list[Scan]]
    failed: Mapping[date, ConnectorError]


def _prepare(config: SourceConfig, table: Table, days: Sequence[date], clock: Deadline, closing: ExitStack) -> _Ready:
    """All that a reading needs; what is to be closed after it goes into ``closing``."""
    chosen = options.read(config, has_days=table.partition is Partition.DATE)
    if is_url(chosen.path):
        found = download.select(chosen, table, days, clock, closing)
    else:
        found = selection.select(chosen, table, days)
    unpack(found, chosen, clock, closing)
    con = IDLE.take(found.files)
    closing.callback(_release, con, found.files, clock)
    clock.watch(con)
    try:
        seen = selection.looked_at(con, found, chosen, clock)
        plan = make(con, seen, chosen, table)
        if not days:
            selection.compare(found, seen, plan)
        clock.check()
    except (duckdb.Error, OSError) as error:
        raise translated.from_engine(error, found.files) from None
    return _Ready(con, plan, selection.scans(found, seen, chosen, plan), found.failed)


def _release(con: Connection, files: Sequence[Stamp], clock: Deadline) -> None:
    clock.stop()
    if clock.over:  # an interrupt may still be on its way
        con.close()
    else:
        IDLE.give_back(files, con, clock.spent())


SOURCE: Source = Files()
