"""The kinds of databases that can be read, each by its driver."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import pyarrow as pa

from dayfill.sources.sql import duckdb, mysql, postgresql, sqlite
from dayfill.sources.sql.options import Options
from dayfill.sources.sql.statement import Dialect


class Database(Protocol):
    """One view of a database in which nothing changes and nothing can be written. Errors: `ConnectorError`."""

    dialect: Dialect

    def columns(self, sql: str) -> pa.Schema:
        """The columns of a query that gives no row; of type null where the database does not tell."""

    def rows(self, sql: str, columns: pa.Schema) -> AbstractContextManager[pa.RecordBatchReader]:
        """The rows of one query with these columns, as they come."""


_OPENED: dict[str, Callable[[Options, float], AbstractContextManager[Database]]] = {
    "postgresql": postgresql.opened,
    "mysql": mysql.opened,
    "sqlite": sqlite.opened,
    "duckdb": duckdb.opened,
}


def opened(options: Options, seconds: float) -> AbstractContextManager[Database]:
    """The database that the options name. seconds: how long a query may take."""
    return _OPENED[options.engine](options, seconds)
