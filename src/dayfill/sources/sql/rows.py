"""Rows of Python values into Arrow batches, for the drivers that know nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from pyarrow import types as kinds

from dayfill.errors import Permanent

BATCH_ROWS, BATCH_BYTES = 20_000, 32 * 1024 * 1024
"""A batch ends at whichever comes first; the bytes are those of texts and blobs."""
_PIECE_ROWS = 50
Fetch = Callable[[int], Sequence[Sequence[object]]]


def reader(columns: pa.Schema, fetch: Fetch) -> pa.RecordBatchReader:
    """The rows that ``fetch`` gives, some at a time, until it gives none.

    columns: of type null where nobody knows; then the first rows tell, and a column of nulls alone becomes text.

    Raises:
        Permanent: cause DATA; a column holds values of another type.
    """
    large = [number for number, of in enumerate(columns.types) if not (kinds.is_integer(of) or kinds.is_floating(of))]
    rows = _fetched(fetch, large)
    first = _batch(columns, rows)

    def batches() -> Iterator[pa.RecordBatch]:
        batch, more = first, rows
        while more:
            yield batch
            more = _fetched(fetch, large)
            batch = _batch(first.schema, more)

    return pa.RecordBatchReader.from_batches(first.schema, batches())


def _fetched(fetch: Fetch, large: Sequence[int]) -> Sequence[Sequence[object]]:
    """The rows of the next batch. large: the columns whose values can be of any size."""
    rows: list[Sequence[object]] = []
    left = BATCH_BYTES
    while left > 0 and len(rows) < BATCH_ROWS and (piece := fetch(_PIECE_ROWS)):
        rows += piece
        left -= sum(len(value) for row in piece for at in large if isinstance(value := row[at], str | bytes))
    return rows


def _batch(columns: pa.Schema, rows: Sequence[Sequence[object]]) -> pa.RecordBatch:
    turned: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = [_array(field, values) for field, values in zip(columns, turned, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=columns.names)


def _array(field: pa.Field, values: Sequence[object]) -> pa.Array:
    if kinds.is_integer(field.type) and float in set(map(type, values)):  # which Arrow would cut
        _refuse_fractions(field, values)
    try:
        found = pa.array(values, None if pa.types.is_null(field.type) else field.type)
    except (pa.ArrowException, TypeError, OverflowError, ValueError) as error:
        raise Permanent(
            "DATA",
            f"Column {field.name} holds a value that is not {field.type} ({str(error)[:200]}): cast it in a query.",
        ) from None
    return found.cast(pa.string()) if pa.types.is_null(found.type) else found


def _refuse_fractions(field: pa.Field, values: Sequence[object]) -> None:
    for value in values:
        if isinstance(value, float) and not value.is_integer():
            raise Permanent(
                "DATA", f"Column {field.name} holds {value}, which is not {field.type}: cast it to REAL in a query."
            )
