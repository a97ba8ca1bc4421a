"""Read what a query asks for: from the source itself, as the load does, but into one answer. Plain sync code.

Rows are as the source has them: nothing is summed up. A day that cannot be read fails the query, since an answer has
no place for a hole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import msgspec
import pyarrow as pa

from dayfill.domain.query import MOST_ROWS, ChosenField, Query
from dayfill.domain.transfer import Table
from dayfill.engine.query_rows import Lines, beyond, column, is_number, matching, tests, written
from dayfill.errors import Transient
from dayfill.sources import DaysRead, Source, SourceConfig
from dayfill.sources.types import data_type

MOST_BYTES = 64 * 1024 * 1024
"""Of one result as it is written. What is read may take twice as much in memory before it is written."""
_TABLE = Table("query")


@dataclass(frozen=True, slots=True)
class ResultField:
    """One column of a result. data_type: as in table groups."""

    asked: str
    field_id: str
    header: str
    data_type: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What a query found. header: the first row, JSON."""

    fields: tuple[ResultField, ...]
    header: bytes
    lines: Lines


def read_query(query: Query, source: Source, config: SourceConfig, check: Callable[[], float]) -> Result:
    """Read the days of a query, filter, order and write the rows.

    check: seconds to the deadline; raises to give up.

    Raises:
        ConnectorError: the source failed, or the query does not fit its fields, or finds too much.
    """
    reading = _Reading(query, source, config, check)
    rows = reading.rows()
    fields = tuple(_result_field(chosen, rows.schema) for chosen in _chosen(query, rows.schema))
    if query.order:
        keys = [(order.field_id, "descending" if order.descending else "ascending") for order in query.order]
        rows = rows.sort_by(keys)
    if query.max_rows is not None:
        rows = rows.slice(0, query.max_rows)
    header = msgspec.json.encode([field.header for field in fields])
    lines = written(rows, [field.field_id for field in fields], MOST_BYTES, lambda: _spend(check))
    return Result(fields, header, lines)


def _spend(check: Callable[[], float]) -> float:
    left = check()
    if left <= 0:
        raise Transient("TIMEOUT", "The query did not come to its end before its deadline (setting deadline_seconds).")
    return left


@dataclass(frozen=True, slots=True)
class _Reading:
    query: Query
    source: Source
    config: SourceConfig
    check: Callable[[], float]

    def rows(self) -> pa.Table:
        """The wanted rows, in the order of the source, all their columns included that are needed."""
        held: list[pa.RecordBatch] = []
        schema: pa.Schema | None = None
        count = size = 0
        for read in self._reads():
            if schema is not None and schema != read.reader.schema:
                raise Transient("SOURCE", "The source changed its columns while it was read; ask again.")
            schema = read.reader.schema
            names = self._needed(schema)
            for batch in self._batches(read, schema):
                batch = batch.select(names)
                held.append(batch)
                count, size = count + batch.num_rows, size + batch.nbytes
                if self._is_enough(count):
                    return pa.Table.from_batches(held)
                if count > MOST_ROWS:
                    raise beyond(f"{MOST_ROWS:,} rows")
                if size > 2 * MOST_BYTES:
                    raise beyond(f"{2 * MOST_BYTES >> 20} MB")
        assert schema is not None, "a range has at least one day"
        return pa.Table.from_batches(held, schema if not held else held[0].schema)

    def _reads(self) -> Iterator[DaysRead]:
        days: list[date] = list(self.query.span)
        step = self.source.max_days_per_read
        for start in range(0, len(days), step):
            yield self.source.read_days(self.config, _TABLE, days[start : start + step], _spend(self.check))

    def _batches(self, read: DaysRead, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The wanted rows of one reading, which is held to what it says of itself once it was read to its end."""
        groups, count = tests(self.query.filter, schema), 0
        for batch in read.reader:
            _spend(self.check)
            count += batch.num_rows
            yield matching(batch, groups)
        for error in read.failed_days.values():
            raise error
        if not read.complete:
            raise Transient("INCOMPLETE", "The source stopped before it said that this was all; ask again.")
        if read.stated_rows not in (None, count):
            raise Transient(
                "INCOMPLETE", f"The source announced {read.stated_rows:,} rows and sent {count:,}; ask again."
            )

    def _is_enough(self, count: int) -> bool:
        """Whether no further row can come into the answer: without an order, the first ones are as good as any."""
        return self.query.max_rows is not None and not self.query.order and count >= self.query.max_rows

    def _needed(self, schema: pa.Schema) -> list[str]:
        ids = [chosen.field_id for chosen in _chosen(self.query, schema)] + [one.field_id for one in self.query.order]
        return list(dict.fromkeys(column(schema, field_id).name for field_id in ids))


def _chosen(query: Query, schema: pa.Schema) -> tuple[ChosenField, ...]:
    chosen = query.fields or tuple(ChosenField(name) for name in schema.names)
    return chosen[: query.max_columns]


def _result_field(chosen: ChosenField, schema: pa.Schema) -> ResultField:
    kind = column(schema, chosen.field_id).type
    header = chosen.header or chosen.field_id
    return ResultField(chosen.field_id, chosen.field_id, header, data_type(kind), is_number(kind))
