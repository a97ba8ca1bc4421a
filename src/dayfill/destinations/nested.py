"""Values within values (structs, maps, lists of them) as JSON, and back; nothing in them is rounded."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pyarrow as pa
import pyarrow.types as kinds

Value = Any
"""As Arrow gives it to Python, or as JSON has it."""
Turn = Callable[[Value], Value]
"""Makes the one of the other."""
OfMap = Callable[[pa.DataType, Turn, Turn], Turn]
"""By the type of a map, and what turns its keys and its values."""
Plain = tuple[tuple[Callable[[pa.DataType], bool], Turn], ...]
_PIECE_ROWS = 4_096
"""Turned at once: as Python's values they take up many times the memory."""
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")
"""In one order, whatever the order of a map or of what a database makes of it: texts of equal values are equal."""


def is_list(of: pa.DataType) -> bool:
    return bool(kinds.is_list(of) or kinds.is_large_list(of) or kinds.is_fixed_size_list(of))


def is_nested(of: pa.DataType) -> bool:
    """Whether it is more than a list of plain values."""
    if is_list(of):
        return bool(is_list(of.value_type) or is_nested(of.value_type))
    return bool(kinds.is_struct(of) or kinds.is_map(of))


def leaves(of: pa.DataType) -> Iterator[pa.DataType]:
    """The types of the plain values in it."""
    if kinds.is_map(of):
        yield from (*leaves(of.key_type), *leaves(of.item_type))
    elif kinds.is_struct(of):
        for field in of:
            yield from leaves(field.type)
    elif is_list(of):
        yield from leaves(of.value_type)
    else:
        yield of


def texts(column: pa.Array) -> pa.Array:
    """A column of values within values as texts of JSON.

    Raises:
        pyarrow.ArrowInvalid: a value has no such text: a name or a key comes twice, a time is finer than microseconds.
    """
    write, pieces = _turning(column.type, _map_writer, _WRITERS), []
    try:
        for start in range(0, len(column), _PIECE_ROWS):
            values = column.slice(start, _PIECE_ROWS).to_pylist(maps_as_pydicts=None)
            found = [None if value is None else _ENCODER.encode(write(value)).decode() for value in values]
            pieces.append(pa.array(found, pa.string()))
    except (ValueError, TypeError, OverflowError) as error:
        raise pa.ArrowInvalid(str(error)) from None
    return pa.concat_arrays(pieces) if pieces else pa.array([], pa.string())


def values(texts: pa.Array, of: pa.DataType) -> pa.Array:
    """Texts of JSON as a column of a type that `texts` had.

    Raises:
        pyarrow.ArrowInvalid: one is of another type.
    """
    read = _turning(of, _map_reader, _READERS)
    try:
        found = [None if text is None else read(json.loads(text, parse_float=Decimal)) for text in texts.to_pylist()]
        return pa.array(found, _plain(of)).cast(of)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise pa.ArrowInvalid(str(error)) from None


def _turning(of: pa.DataType, of_map: OfMap, plain: Plain) -> Turn:
    """What turns values of this type, part by part. plain: by type, what turns one without parts, if it is not left."""

    def part(inner: pa.DataType) -> Turn:
        turn = _turning(inner, of_map, plain)
        return lambda value: None if value is None else turn(value)

    if kinds.is_map(of):
        return of_map(of, part(of.key_type), part(of.item_type))
    if kinds.is_struct(of):
        parts = [(field.name, part(field.type)) for field in of]
        return lambda value: {name: turn(value[name]) for name, turn in parts}
    if is_list(of):
        item = part(of.value_type)
        return lambda value: [item(one) for one in value]
    if kinds.is_dictionary(of):
        return _turning(of.value_type, of_map, plain)
    return next((turn for test, turn in plain if test(of)), lambda value: value)


def _moment(value: Value) -> datetime:
    # Of nanoseconds pyarrow makes a value of pandas where that is installed, and else refuses those that are finer.
    if getattr(value, "nanosecond", 0):
        raise ValueError("a time finer than microseconds")
    plain: datetime = value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    return plain if plain.tzinfo is None else plain.astimezone(UTC)


_UNREAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""What JSON has no number for."""
_WRITERS: Plain = (
    # The negative zero becomes the positive one.
    (kinds.is_floating, lambda value: value + 0.0 if math.isfinite(value) else _UNREAL[str(value)]),
    (kinds.is_timestamp, _moment),
    (lambda of: isinstance(of, pa.JsonType), lambda value: json.loads(value, parse_float=Decimal)),
)


def _map_writer(_of: pa.DataType, key: Turn, item: Turn) -> Turn:
    def write(value: Value) -> Value:
        found = {}
        for name, one in value:
            shown = key(name)
            found[shown if isinstance(shown, str) else _ENCODER.encode(shown).decode().strip('"')] = item(one)
        if len(found) < len(value):
            raise ValueError("a map with the same key twice")
        return found

    return write


def _map_reader(of: pa.DataType, key: Turn, item: Turn) -> Turn:
    is_text = not (kinds.is_integer(of.key_type) or kinds.is_decimal(of.key_type) or kinds.is_boolean(of.key_type))
    return lambda value: [
        (key(name if is_text else json.loads(name, parse_float=Decimal)), item(one)) for name, one in value.items()
    ]


_READERS: Plain = (
    (lambda of: isinstance(of, pa.UuidType), lambda value: UUID(value).bytes),
    (lambda of: isinstance(of, pa.JsonType), lambda value: _ENCODER.encode(value).decode()),
    (kinds.is_floating, float),
    (kinds.is_decimal, Decimal),
    (kinds.is_timestamp, datetime.fromisoformat),
    (kinds.is_date, date.fromisoformat),
    (kinds.is_time, time.fromisoformat),
    (kinds.is_binary, b64decode),
    (kinds.is_large_binary, b64decode),
    (kinds.is_fixed_size_binary, b64decode),
)


def _plain(of: pa.DataType) -> pa.DataType:
    """The type without those that Arrow cannot make of Python's values within others."""
    if kinds.is_map(of):
        return pa.map_(_plain(of.key_type), _plain(of.item_type))
    if kinds.is_struct(of):
        return pa.struct([field.with_type(_plain(field.type)) for field in of])
    if is_list(of):
        return pa.list_(_plain(of.value_type))
    return of.storage_type if isinstance(of, pa.BaseExtensionType) else of
