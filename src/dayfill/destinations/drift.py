"""Schema drift: what a table must become so that a new reading fits without losing a value, or why it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as kinds

from dayfill.destinations import nested
from dayfill.errors import Permanent

GREATEST_EXACT_IN_FLOAT = 2**53
"""A 64-bit integer up to this size is the same number as a 64-bit float; beyond it digits may be lost."""

_DIGITS = {
    pa.int8(): 3,
    pa.int16(): 5,
    pa.int32(): 10,
    pa.int64(): 19,
    pa.uint8(): 3,
    pa.uint16(): 5,
    pa.uint32(): 10,
}
_SIGNED = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
_MAX_DIGITS = 38
_UINT64_DIGITS = 20
_UTC = "UTC"


@dataclass(frozen=True, slots=True)
class AddColumn:
    """A new nullable column; the days that are already there hold NULL in it."""

    name: str
    type: pa.DataType


@dataclass(frozen=True, slots=True)
class Widen:
    """A column takes a wider type. ``guarded``: only if no stored number is beyond `GREATEST_EXACT_IN_FLOAT`."""

    name: str
    old: pa.DataType
    new: pa.DataType
    guarded: bool = False


Step = AddColumn | Widen


def plan(current: pa.Schema, incoming: pa.Schema) -> list[Step]:
    """The steps after which every value of ``current`` is kept and ``incoming`` fits; empty if it fits as it is.

    Columns match by name without regard to case; one that is missing in ``incoming`` stays and takes NULL. A column of
    Arrow type null says nothing about its type, so it is neither added nor compared.

    Raises:
        Permanent: cause SCHEMA, naming the column, its type and the type that came.
    """
    if incoming.equals(current):
        return []
    known = {field.name.lower(): field for field in current}
    steps: list[Step] = []
    seen: set[str] = set()
    for field in incoming:
        key = field.name.lower()
        if key in seen:
            raise Permanent(
                "SCHEMA", f"Column {field.name} comes twice (names differ in case only); rename one of them."
            )
        seen.add(key)
        if kinds.is_null(field.type):
            continue
        if key not in known:
            steps.append(AddColumn(field.name, landed(field.type, field.name)))
        elif step := _widening(known[key], landed(field.type, field.name)):
            steps.append(step)
    return steps


def after(current: pa.Schema, steps: Iterable[Step]) -> pa.Schema:
    """The schema that the steps lead to: columns in their old order, new ones last."""
    types = {field.name: field.type for field in current}
    for step in steps:
        types[step.name] = step.type if isinstance(step, AddColumn) else step.new
    return pa.schema(types.items())


def fit(rows: pa.Table, target: pa.Schema, before: int = 0) -> pa.Table:
    """The rows in exactly the columns, order and types of ``target``; missing columns are NULL.

    Args:
        target: a schema for which `plan` gives no steps.
        before: rows of the same reading that came before these, for the message.

    Raises:
        Permanent: cause SCHEMA, naming column, row (counted from 1) and types, if a value would change by the cast.
    """
    if rows.schema.equals(target):
        return rows
    position = {name.lower(): index for index, name in enumerate(rows.column_names)}
    columns = []
    for field in target:
        index = position.get(field.name.lower())
        if index is None:
            columns.append(pa.chunked_array([pa.nulls(rows.num_rows, field.type)]))
        else:
            columns.append(_cast(rows.column(index), field, before))
    return pa.Table.from_arrays(columns, schema=target)


def landed(incoming: pa.DataType, column: str) -> pa.DataType:
    """The type in which a value of this type is stored: one form per kind of value.

    Raises:
        Permanent: cause SCHEMA; nothing can store it without changing its meaning.
    """
    if kinds.is_dictionary(incoming):
        return landed(incoming.value_type, column)
    if nested.is_nested(incoming):
        return _landed_nested(incoming, column)
    if nested.is_list(incoming):
        return pa.list_(_landed_item(incoming, column))
    for test, stored in _ONE_FORM:
        if test(incoming):
            return stored
    if kinds.is_decimal(incoming) and 0 <= incoming.scale <= incoming.precision <= _MAX_DIGITS:
        return pa.decimal128(incoming.precision, incoming.scale)
    if incoming in _DIGITS or kinds.is_boolean(incoming) or kinds.is_floating(incoming):
        return incoming
    raise Permanent(
        "SCHEMA",
        f"Column {column} is of type {incoming}, which cannot be stored: leave it out, or make it text or numbers.",
    )


def _landed_nested(incoming: pa.DataType, column: str) -> pa.DataType:
    for leaf in nested.leaves(incoming):
        if not kinds.is_null(leaf):
            landed(leaf, column)
    return pa.json_()


def _landed_item(incoming: pa.DataType, column: str) -> pa.DataType:
    item = incoming.value_type
    if kinds.is_null(item):
        raise Permanent("SCHEMA", f"Column {column} is of type {incoming}: what its lists hold is not known.")
    return landed(item, column)


_ONE_FORM = (
    (lambda t: isinstance(t, pa.UuidType), pa.uuid()),
    (lambda t: isinstance(t, pa.JsonType), pa.json_()),
    (lambda t: kinds.is_string(t) or kinds.is_large_string(t) or kinds.is_string_view(t), pa.string()),
    (
        lambda t: (
            kinds.is_binary(t) or kinds.is_large_binary(t) or kinds.is_binary_view(t) or kinds.is_fixed_size_binary(t)
        ),
        pa.binary(),
    ),
    (kinds.is_date, pa.date32()),
    (lambda t: kinds.is_timestamp(t) and t.tz, pa.timestamp("us", _UTC)),
    (kinds.is_timestamp, pa.timestamp("us")),
    (kinds.is_time, pa.time64("us")),
    (kinds.is_float16, pa.float32()),
    (kinds.is_uint64, pa.decimal128(_UINT64_DIGITS, 0)),
)


def common(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The smallest type that holds every value of both landed types, None if there is none.

    int64 with float64 gives float64, although only integers up to 2^53 keep their value: the cast checks the incoming
    ones, the caller the stored ones (`Widen.guarded`).
    """
    if one == other:
        return one
    if kinds.is_integer(one) and kinds.is_integer(other):
        return _common_integer(one, other)
    if _is_number(one) and _is_number(other):
        exact = kinds.is_decimal(one) or kinds.is_decimal(other)
        if not exact:
            return pa.float64()
        return None if kinds.is_floating(one) or kinds.is_floating(other) else _common_decimal(one, other)
    if {one, other} == {pa.date32(), pa.timestamp("us")}:
        return pa.timestamp("us")
    return None


def _is_number(of: pa.DataType) -> bool:
    return bool(kinds.is_integer(of) or kinds.is_floating(of) or kinds.is_decimal(of))


def _common_integer(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if kinds.is_signed_integer(one) == kinds.is_signed_integer(other):
        return one if one.bit_width >= other.bit_width else other
    signed, unsigned = (one, other) if kinds.is_signed_integer(one) else (other, one)
    return _SIGNED[max(signed.bit_width, 2 * unsigned.bit_width)]


def _common_decimal(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    whole = max(_whole_digits(one), _whole_digits(other))
    scale = max(_scale(one), _scale(other))
    return pa.decimal128(whole + scale, scale) if whole + scale <= _MAX_DIGITS else None


def _whole_digits(of: pa.DataType) -> int:
    return int(of.precision - of.scale) if kinds.is_decimal(of) else _DIGITS[of]


def _scale(of: pa.DataType) -> int:
    return int(of.scale) if kinds.is_decimal(of) else 0


def _widening(stored: pa.Field, incoming: pa.DataType) -> Widen | None:
    wider = common(stored.type, incoming)
    if wider is None:
        raise Permanent(
            "SCHEMA",
            f"Column {stored.name} is {stored.type} in the table and came as {incoming}: no type holds both without"
            " losing values. Set the field's data type in the table group, or give the new column another name.",
        )
    if wider == stored.type:
        return None
    return Widen(stored.name, stored.type, wider, guarded=stored.type == pa.int64() and kinds.is_floating(wider))


def _cast(column: pa.ChunkedArray, field: pa.Field, before: int) -> pa.ChunkedArray:
    if column.type == field.type:
        return column
    try:
        return _fitted(column, field.type)
    except pa.ArrowException as error:
        row = before + _first_misfit(column, field.type)
        raise Permanent(
            "SCHEMA",
            f"Column {field.name}, row {row + 1}: the value came as {column.type} and does not fit {field.type} without"
            f" loss ({str(error)[:200]}). Correct the source, or set the field's data type in the table group.",
        ) from error


def _fitted(column: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray:
    if not nested.is_nested(column.type):
        return column.cast(target, safe=True)
    return pa.chunked_array([nested.texts(chunk).cast(target) for chunk in column.chunks], target)


def _first_misfit(column: pa.ChunkedArray, target: pa.DataType) -> int:
    """Index of the first value that cannot be cast, found by halving."""
    start, stop = 0, len(column)
    while stop - start > 1:
        middle = (start + stop) // 2
        try:
            _fitted(column.slice(start, middle - start), target)
            start = middle
        except pa.ArrowException:
            stop = middle
    return start
