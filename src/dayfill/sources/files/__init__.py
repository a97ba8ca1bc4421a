"""Files: CSV, JSON lines and Parquet, plain or gzip, by a path, a pattern or a path with the date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
import pyarrow as pa

from dayfill.domain.transfer import Table
from dayfill.sources import DaysRead, Source, SourceConfig
from dayfill.sources.files import faults, options, plan, selection
from dayfill.sources.files.connection import Connection, connect
from dayfill.sources.files.reading import Deadline, FilesRead


class Files:
    """Files that the server can open: one scan for all days of a slice; a path with the date opens theirs only."""

    kind = "FILES"
    title = "Files"
    description = "CSV, JSON lines and Parquet files, also gzip, on the server's own disk."
    settings = options.SETTINGS
    has_accounts = False
    max_days_per_read = 366

    def check(self, config: SourceConfig, table: Table) -> None:
        """The files are there and have the columns; no row is read."""
        self.schema(config, table)

    def schema(self, config: SourceConfig, table: Table) -> pa.Schema:
        """The columns as they will be read: as declared, or as inferred from all files there are now."""
        chosen = options.read(config)
        found = selection.select(chosen, table, [])
        con = connect(found.paths)
        try:
            return _plan(con, found, chosen, table)[0].schema
        finally:
            con.close()

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> DaysRead:
        """Read these days; lazy once the files and their columns are known.

        Raises:
            Permanent: a setting, a path or a column is wrong.
            Transient: the deadline passed.
        """
        chosen = options.read(config)
        found = selection.select(chosen, table, days)
        con = connect(found.paths)
        clock = Deadline(con, deadline)
        try:
            how, seen = _plan(con, found, chosen, table)
            scans = selection.scans(found, seen, chosen, how)
            clock.check()
        except BaseException:
            clock.stop()
            con.close()
            raise
        return FilesRead(con, how, scans, clock, found.failed)


def _plan(
    con: Connection, found: selection.Selection, chosen: options.Options, table: Table
) -> tuple[plan.Plan, list[selection.Seen]]:
    try:
        seen = selection.looked_at(con, found, chosen)
        return plan.make(con, seen, chosen, table), seen
    except (duckdb.Error, OSError) as error:
        raise faults.from_engine(error, found.paths) from None


SOURCE: Source = Files()
