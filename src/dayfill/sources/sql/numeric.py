"""Numbers of PostgreSQL's type numeric in the form in which it sends them, decoded by columns: exactly, or not at all.

Its driver makes a text of each of them, which takes as long as all other columns of a common table together.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as kinds

from dayfill.errors import Permanent

_GROUP, _GROUP_DIGITS = 10**4, 4
"""A word holds four digits."""
_HEAD, _NEGATIVE = 4, 0x4000
"""Words before the digits: number of words of digits, weight of the first of them, sign, digits to be shown."""
_SPECIAL = {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}
_SHOWN = 60

Words = npt.NDArray[np.int16]
Numbers = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


def is_numeric(of: pa.DataType) -> bool:
    """Whether a column of the driver is a numeric, as a text."""
    return isinstance(of, pa.OpaqueType) and (of.vendor_name, of.type_name) == ("PostgreSQL", "numeric")


def is_put_together(wanted: pa.DataType) -> bool:
    """Whether `decimals` can give this type: 64 bits hold it, and its fraction filled up to whole words."""
    return bool(kinds.is_decimal128(wanted) and wanted.precision <= 18 and 0 <= wanted.scale <= 16)


def decimals(column: pa.Array, name: str, wanted: pa.Decimal128Type, before: int) -> pa.Array:
    """The numbers in a type for which `is_put_together`. before: rows of the reading that came before these.

    Raises:
        Permanent: cause DATA; a number does not fit without loss. It says which, and in which row.
    """
    words, starts = _words(column.drop_null())
    numbers, misfit = _put_together(words, starts, wanted)
    if misfit.any():
        first = int(misfit.argmax())
        row = before + int(np.flatnonzero(column.is_valid())[first]) + 1
        raise Permanent(
            "DATA",
            f"Column {name}, row {row} of the reading: {_shown(words[starts[first] :])} does not fit {wanted} without"
            " loss.",
        )
    halves = np.stack((numbers, numbers >> 63), axis=1)
    if not column.null_count:
        return pa.Array.from_buffers(wanted, len(column), [None, pa.py_buffer(halves)])
    is_there = column.is_valid()
    spread = np.zeros((len(column), 2), dtype=np.int64)
    spread[np.asarray(is_there)] = halves
    return pa.Array.from_buffers(wanted, len(column), [is_there.buffers()[1], pa.py_buffer(spread)])


def _words(column: pa.BinaryArray) -> tuple[Words, Numbers]:
    """All words of a column without nulls, and where each number begins."""
    _, offsets, sent = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    if len(column) == 0:
        return np.zeros(0, np.int16), ends[:0]
    words = np.frombuffer(sent, ">i2", count=(ends[-1] - ends[0]) // 2, offset=ends[0])
    return words.astype(np.int16), (ends[:-1] - ends[0]) // 2


def _put_together(words: Words, starts: Numbers, wanted: pa.Decimal128Type) -> tuple[Numbers, Marks]:
    """The unscaled values, and a mark at each that does not fit."""
    count, weight, sign = (words[starts + place] for place in range(3))
    lowest = -(-wanted.scale // _GROUP_DIGITS)
    ones = starts + _HEAD + weight
    """Where the word with the last digits before the point is, or would be."""

    def joined(heaviest: int, lightest: int) -> Numbers:
        total = np.zeros(len(starts), dtype=np.int64)
        for place in range(heaviest, lightest - 1, -1):
            digits = words.take(ones - place, mode="clip") * (weight >= place) * (weight - count < place)
            total *= _GROUP
            total += digits
        return total

    most = wanted.precision - wanted.scale
    heaviest = (most - 1) // _GROUP_DIGITS
    whole, fraction = joined(heaviest, 0), joined(-1, -lowest)
    too_fine = 10 ** (lowest * _GROUP_DIGITS - wanted.scale)
    numbers = fraction // too_fine
    misfit = (numbers * too_fine != fraction) | (weight - count < -lowest - 1) | _is_too_large(words, starts, most)
    numbers += whole * 10**wanted.scale
    misfit |= (sign != 0) & (sign != _NEGATIVE)
    np.negative(numbers, out=numbers, where=sign == _NEGATIVE)
    return numbers, misfit


def _is_too_large(words: Words, starts: Numbers, most: int) -> Marks:
    """most: digits that there may be before the point."""
    count, weight = words[starts], words[starts + 1]
    heaviest = (most - 1) // _GROUP_DIGITS
    first = words.take(starts + _HEAD, mode="clip")
    limit = 10 ** (most - heaviest * _GROUP_DIGITS)
    is_beyond: Marks = (weight > heaviest) | ((weight == heaviest) & (first >= limit))
    return (count > 0) & is_beyond


def _shown(words: Words) -> str:
    count, weight, sign = (int(word) for word in words[:3])
    if special := _SPECIAL.get(sign & 0xFFFF):
        return special
    digits = "".join(f"{word:04}" for word in words[_HEAD : _HEAD + count]) or "0"
    exponent = _GROUP_DIGITS * (weight - count + 1)
    number = Decimal(("-" if sign else "") + f"{digits}E{exponent}")
    return f"{number:f}"[:_SHOWN]
