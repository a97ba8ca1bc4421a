"""One reading: a query for each unbroken run of days, their rows handed out as they come."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date

import pyarrow as pa

from dayfill.domain.days import ONE_DAY, ranges_of
from dayfill.domain.transfer import Table
from dayfill.errors import ConnectorError, Transient
from dayfill.sources.sql import shape, statement
from dayfill.sources.sql.databases import Database
from dayfill.sources.sql.options import Options
from dayfill.sources.sql.shape import Shape


class SqlRead:
    """The days of one table; meets ``DaysRead``.

    The reader's rows come from another object, so that nothing refers back to this one: a reading that is given up half
    way is closed when it is let go, its connection with it.
    """

    stated_rows: int | None = None
    failed_days: Mapping[date, ConnectorError]

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.date_column = rows.shape.date_column
        self.failed_days = {}
        self.reader = pa.RecordBatchReader.from_batches(rows.shape.schema, rows.batches())

    @property
    def complete(self) -> bool:
        return self._rows.complete


class Rows:
    """The rows of some queries. complete: every one has come to its end."""

    def __init__(
        self,
        database: Database,
        given: pa.Schema,
        made: Shape,
        queries: Sequence[str],
        ends: float,
        closing: ExitStack,
    ) -> None:
        self._database, self._given, self.shape, self._queries = database, given, made, queries
        self._ends, self._closing = ends, closing
        self.complete = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        before = 0
        with self._closing:
            for query in self._queries:
                with self._database.rows(query, self._given) as reader:
                    for batch in reader:
                        if time.monotonic() > self._ends:
                            raise Transient("TIMEOUT", "The reading took longer than the deadline allows.")
                        yield self.shape.fit(batch, before)
                        before += batch.num_rows
            self.complete = True


def prepared(
    database: Database, options: Options, table: Table, days: Sequence[date], ends: float, closing: ExitStack
) -> Rows:
    """A reading of these days; ``closing`` is closed at its end.

    Raises:
        ConnectorError: the query is wrong, or the database cannot be read.
    """
    given = database.columns(statement.of_schema(options, database.dialect))
    made = shape.shape_of(given, table, options.date_column, options.zone)
    goes_by_column = options.table and made.day is not None
    bounds = shape.bounds_for(given.field(made.day).type) if goes_by_column else options.bounds
    spans = [(one.start, one.end + ONE_DAY) for one in ranges_of(days)]
    queries = [statement.of(options, database.dialect, bounds, span) for span in spans]
    if made.sent or made.arrays:
        queries = [statement.sent(query, database.dialect, made.sources, made.sent, made.arrays) for query in queries]
    return Rows(database, given, made, queries, ends, closing)
