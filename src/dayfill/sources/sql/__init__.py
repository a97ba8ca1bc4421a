"""SQL: a table or a query of PostgreSQL, MySQL, MariaDB, SQLite or DuckDB; a whole slice of days by one query."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date

import pyarrow as pa

from dayfill.domain.transfer import Partition, Table
from dayfill.sources import DaysRead, Source, SourceAccount, SourceConfig
from dayfill.sources.sql import databases, options, reading
from dayfill.sources.sql.reading import SqlRead

_SCHEMA_SECONDS = 60.0


class Sql:
    """A database that is read in one transaction for each slice."""

    kind = "SQL"
    title = "SQL database"
    description = "A table or a query of PostgreSQL, MySQL, MariaDB, SQLite or DuckDB."
    category = "Data Warehouses"
    settings = options.SETTINGS
    has_accounts = False
    lists_accounts = False
    reads_whole = True
    max_days_per_read = 366

    def accounts(self, config: SourceConfig, deadline: float) -> Sequence[SourceAccount]:
        return ()

    def check(self, config: SourceConfig, table: Table) -> None:
        """The database can be reached and the query has its columns; no row is read."""
        self.schema(config, table)

    def schema(self, config: SourceConfig, table: Table) -> pa.Schema:
        """The columns as they will be read."""
        with ExitStack() as closing:
            return _prepared(config, table, [], _SCHEMA_SECONDS, closing).shape.schema

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> DaysRead:
        """Read these days; lazy once the columns are known.

        Raises:
            ConnectorError: a setting or the query is wrong, or the database cannot be reached.
        """
        with ExitStack() as closing:
            rows = _prepared(config, table, days, deadline, closing)
            closing.pop_all()
            return SqlRead(rows)


def _prepared(
    config: SourceConfig, table: Table, days: Sequence[date], seconds: float, closing: ExitStack
) -> reading.Rows:
    chosen, ends = options.read(config, whole=table.partition is Partition.NONE), time.monotonic() + seconds
    inner = ExitStack()
    closing.push(inner)
    database = inner.enter_context(databases.opened(chosen, seconds))
    return reading.prepared(database, chosen, table, days, ends, inner)


SOURCE: Source = Sql()
