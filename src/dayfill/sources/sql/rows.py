"""Rows of Python values into Arrow batches, for the drivers that know nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from dayfill.errors import Permanent

BATCH_ROWS = 20_000
Fetch = Callable[[int], Sequence[Sequence[object]]]


def reader(columns: pa.Schema, fetch: Fetch) -> pa.RecordBatchReader:
    """The rows that ``fetch`` gives, some at a time, until it gives none.

    columns: of type null where nobody knows; then the first rows tell, and a column of nulls alone becomes text.

    Raises:
        Permanent: cause DATA; a column holds values of another type.
    """
    rows = fetch(BATCH_ROWS)
    first = _batch(columns, rows)

    def batches() -> Iterator[pa.RecordBatch]:
        batch, more = first, rows
        while more:
            yield batch
            more = fetch(BATCH_ROWS)
            batch = _batch(first.schema, more)

    return pa.RecordBatchReader.from_batches(first.schema, batches())


def _batch(columns: pa.Schema, rows: Sequence[Sequence[object]]) -> pa.RecordBatch:
    turned: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = [_array(field, values) for field, values in zip(columns, turned, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=columns.names)


def _array(field: pa.Field, values: Sequence[object]) -> pa.Array:
    try:
        found = pa.array(values, None if pa.types.is_null(field.type) else field.type)
    except (pa.ArrowException, TypeError, OverflowError, ValueError) as error:
        raise Permanent(
            "DATA",
            f"Column {field.name} holds a value that is no {field.type} ({str(error)[:200]}): cast it in a query.",
        ) from None
    return found.cast(pa.string()) if pa.types.is_null(found.type) else found
