"""The rows of a query in Arrow: which are wanted, in which order, and how each is written.

Vectorised where rows are many; regular expressions run in RE2, which takes linear time whatever the expression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dayfill.domain.query_filter import Condition, Filter, pattern
from dayfill.errors import Permanent

_COMPARISONS = {
    "==": pc.equal,
    "!=": pc.not_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
    "<": pc.less,
    "<=": pc.less_equal,
}
_LINES = 4_096
"""Rows written at once: the interpreter is not held for long."""
_MOST_DIGITS = 38
_encoder = msgspec.json.Encoder()

Test = Callable[[pa.RecordBatch], Any]
"""Which rows of a batch meet a condition: an Arrow array of booleans without nulls."""


def wrong(message: str) -> Permanent:
    """A query that cannot be answered as it was asked."""
    return Permanent("QUERY", message)


def tests(wanted: Filter, schema: pa.Schema) -> list[list[Test]]:
    """The filter for batches of this schema.

    Raises:
        Permanent: a field that is not there, a value or an operator that does not fit its type.
    """
    return [[_test(condition, schema) for condition in group] for group in wanted]


def matching(batch: pa.RecordBatch, groups: Sequence[Sequence[Test]]) -> pa.RecordBatch:
    """The rows that meet all conditions of any of the groups; all of them if there is no group."""
    if not groups:
        return batch
    wanted = None
    for group in groups:
        met = None
        for test in group:
            met = test(batch) if met is None else pc.and_(met, test(batch))
        wanted = met if wanted is None else pc.or_(wanted, met)
    return batch.filter(wanted)


def column(schema: pa.Schema, field_id: str) -> pa.Field:
    """The column of this name.

    Raises:
        Permanent: there is none.
    """
    place = schema.get_field_index(field_id)
    if place < 0:
        there = ", ".join(schema.names[:50])
        raise wrong(f"The source has no field {field_id[:100]}; it has {there}.")
    return schema.field(place)


def is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _test(condition: Condition, schema: pa.Schema) -> Test:
    field = column(schema, condition.field_id)
    meets, refuses = _matcher(condition, field), condition.operator.startswith("!")
    # No value equals nothing and holds nothing, so it meets the negative operators.
    return lambda batch: pc.fill_null(meets(batch.column(field.name)), refuses)


def _matcher(condition: Condition, field: pa.Field) -> Callable[[pa.Array], Any]:
    operator, value = condition.operator, condition.value
    if operator in _COMPARISONS:
        compare, scalar = _COMPARISONS[operator], _scalar(condition, field)
        return lambda array: compare(array, scalar)
    if is_number(field.type):
        raise wrong(f"The filter's operator {operator} looks into texts; field {field.name} holds numbers.")
    if operator.endswith("@"):
        return _signed(operator, lambda array: pc.match_substring(texts(array), value, ignore_case=True))
    expression = pattern(value)
    try:
        pc.match_substring_regex(pa.array([""]), expression)
    except pa.ArrowInvalid:
        raise wrong(
            f"The filter's regular expression {value[:100]} cannot be used: it is broken, or needs what RE2 does not "
            "have (looking around, back references)."
        ) from None
    return _signed(operator, lambda array: pc.match_substring_regex(texts(array), expression))


def _signed(operator: str, meets: Callable[[pa.Array], Any]) -> Callable[[pa.Array], Any]:
    return (lambda array: pc.invert(meets(array))) if operator.startswith("!") else meets


def _scalar(condition: Condition, field: pa.Field) -> pa.Scalar:
    """The value of a comparison, of a type that the field can be compared with."""
    value, kind = condition.value, field.type
    try:
        if is_number(kind):
            return _number(value, kind)
        if pa.types.is_boolean(kind):
            return pa.scalar({"true": True, "false": False}[value.lower()])
        if pa.types.is_date(kind):
            return pa.scalar(date.fromisoformat(value), kind)
        if pa.types.is_timestamp(kind):
            moment = datetime.fromisoformat(value)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            return pa.scalar(moment if kind.tz else moment.replace(tzinfo=None), kind)
    except (ValueError, KeyError, OverflowError, InvalidOperation, pa.ArrowException):
        raise wrong(f"The filter compares {field.name}, which is {_plain(kind)}, with {value[:100]!r}.") from None
    return pa.scalar(value, pa.string())


def _number(value: str, kind: pa.DataType) -> pa.Scalar:
    """Exact, but for a float: an integer as a float would lose its last digits."""
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError
    if pa.types.is_floating(kind):
        return pa.scalar(float(number))
    if number.adjusted() > _MOST_DIGITS or int(number.as_tuple().exponent) < -_MOST_DIGITS:
        raise ValueError  # written out, it could fill the memory
    scalar = pa.scalar(Decimal(f"{number:f}"))
    pc.equal(pa.scalar(None, kind), scalar)  # fails if both together need too many digits
    return scalar


def _plain(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "true or false"
    return "a number" if is_number(kind) else "a date" if pa.types.is_date(kind) else "a time"


# -- writing


@dataclass(frozen=True, slots=True)
class Lines:
    """Rows as JSON arrays of texts, each with a comma after it; ends: where each of them ends."""

    text: bytes
    ends: np.ndarray[tuple[int], np.dtype[np.int64]]

    def __len__(self) -> int:
        return len(self.ends)

    def place(self, first: int, last: int) -> range:
        """Where in the text the rows from first up to and including last are, with commas between them."""
        last = min(last, len(self) - 1)
        if first > last:
            return range(0)
        return range(int(self.ends[first - 1]) if first else 0, int(self.ends[last]) - 1)

    @property
    def size(self) -> int:
        return len(self.text) + int(self.ends.nbytes)


def written(rows: pa.Table, field_ids: Sequence[str], most_bytes: int, check: Callable[[], object]) -> Lines:
    """These columns of the rows as texts. check: called between parts, raises to give up.

    Raises:
        Permanent: they are longer than most_bytes.
    """
    pieces, ends, size = [], [], 0
    for batch in rows.to_batches(max_chunksize=_LINES):
        check()
        columns = [pc.fill_null(texts(batch.column(name)), "").to_pylist() for name in field_ids]
        piece = _encoder.encode_lines(list(zip(*columns, strict=True)))
        ends.append(np.flatnonzero(np.frombuffer(piece, np.uint8) == ord("\n")) + 1 + size)
        size += len(piece)
        if size > most_bytes:
            raise beyond(f"{most_bytes >> 20} MB")
        # A line break stands in no JSON text but at the end of a line.
        pieces.append(piece.replace(b"\n", b","))
    return Lines(b"".join(pieces), np.concatenate(ends, dtype=np.int64) if ends else np.empty(0, np.int64))


def beyond(most: str) -> Permanent:
    """More rows than an answer can hold."""
    return Permanent(
        "TOO_LARGE", f"The result has more than {most}; ask for fewer days or fields, filter the rows, or set max_rows."
    )


def texts(array: pa.Array) -> pa.Array:
    """Values as they are written: numbers plain, dates and times in ISO 8601."""
    if pa.types.is_string(array.type):
        return array
    cast = array.cast(pa.string())
    return pc.replace_substring(cast, " ", "T", max_replacements=1) if pa.types.is_timestamp(array.type) else cast
