"""A fingerprint of rows that does not depend on their order or on the order of columns.

Each value is hashed with its column's name, a row is the mixed sum of its values, a day is the sum of its rows (all
modulo 2**64). It tells whether two readings of a day hold the same rows; it is not a defence against an attacker.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dayfill.destinations import nested

Hashes = npt.NDArray[np.uint64]

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_NULL = np.uint64(0x6A09E667F3BCC909)
_BYTE_VALUES = np.frombuffer(
    b"".join(blake2b(bytes([n]), digest_size=8, person=b"dayfill").digest() for n in range(256)), dtype=np.uint64
)


_PIECE_ROWS, _PIECE_BYTES = 65_536, 32_768
"""Rows that are hashed at once, and about how many bytes of their texts: on its way each takes up some 50 of memory."""


def row_hashes(rows: pa.Table) -> Hashes:
    """One 64-bit hash per row; equal rows have equal hashes, whatever the order of the columns."""
    pieces = [_hashed(rows.slice(start, _PIECE_ROWS)) for start in range(0, rows.num_rows, _PIECE_ROWS)]
    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.uint64)


def _hashed(rows: pa.Table) -> Hashes:
    total = np.zeros(rows.num_rows, dtype=np.uint64)
    for name in rows.column_names:
        seed = np.frombuffer(blake2b(name.encode(), digest_size=8).digest(), dtype=np.uint64)[0]
        column = rows.column(name)
        total += _mix(_value_hashes(column.combine_chunks()) ^ seed)
    return _mix(total)


def day_hash(rows: Hashes) -> str:
    """The hash of one day's rows: 16 hexadecimal digits."""
    return f"{int(rows.sum(dtype=np.uint64)):016x}"


def joined_hash(tables: dict[str, str]) -> str:
    """One hash for the tables of a run: table name -> hash of its day."""
    text = "\n".join(f"{name}={tables[name]}" for name in sorted(tables))
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _mix(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64: every input bit changes half of the output bits."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _value_hashes(column: pa.Array) -> Hashes:
    hashes = _hashes_of(column)
    if column.null_count:
        hashes = np.where(np.asarray(column.is_null()), _NULL, hashes)
    return hashes


def _hashes_of(column: pa.Array) -> Hashes:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _value_hashes(column.dictionary_decode())
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return _numbers(column.cast(pa.uint8()) if pa.types.is_boolean(kind) else column)
    if pa.types.is_floating(kind):
        return _floats(column.cast(pa.float64()))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return _numbers(column.cast(pa.int64() if kind.bit_width == 64 else pa.int32()))
    if pa.types.is_decimal128(kind):
        return _decimals(column)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _texts(column.cast(pa.large_binary()))
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        column = _as_text(column)
    return _texts(column.cast(pa.large_string()))


def _as_text(column: pa.Array) -> pa.Array:
    """Other types by their text; a list of plain values by the text of its Python value."""
    if nested.is_nested(column.type):
        try:
            return nested.texts(column)
        except pa.ArrowInvalid:  # no destination takes it, and says why
            return pa.array([str(column.type)] * len(column))
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if value is None else repr(value) for value in column.to_pylist()], pa.string())


def _numbers(column: pa.Array) -> Hashes:
    filled = pc.fill_null(column, 0) if column.null_count else column
    numbers: Hashes = np.asarray(filled).astype(np.int64).view(np.uint64)
    return numbers


def _decimals(column: pa.Array) -> Hashes:
    """Both 64-bit halves of the unscaled value."""
    words = np.frombuffer(column.buffers()[1], dtype=np.uint64)[2 * column.offset : 2 * (column.offset + len(column))]
    halves: Hashes = _mix(words[0::2]) + words[1::2]
    return halves


def _floats(column: pa.Array) -> Hashes:
    numbers = np.array(pc.fill_null(column, 0.0), dtype=np.float64)
    numbers[np.isnan(numbers)] = np.nan  # one bit pattern for every NaN
    numbers += 0.0  # and the negative zero becomes the positive one
    return numbers.view(np.uint64)


def _texts(column: pa.Array) -> Hashes:
    """Each distinct text or binary is hashed once, few at a time, so that the work stays in the processor's cache."""
    coded = column.dictionary_encode()
    texts = coded.dictionary
    if len(texts) == 0:
        return np.zeros(len(column), dtype=np.uint64)
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    payload = texts.buffers()[2]
    content = np.frombuffer(payload, dtype=np.uint8) if payload else np.zeros(0, np.uint8)
    ends = np.searchsorted(offsets, np.arange(offsets[0], offsets[-1], _PIECE_BYTES)[1:])
    cuts = np.unique(np.concatenate(([0], ends, [len(texts)])))
    hashes = np.concatenate([_polynomials(content, offsets[a : b + 1]) for a, b in pairwise(cuts.tolist())])
    codes: Hashes = hashes[np.asarray(pc.fill_null(coded.indices, 0))]
    return codes


def _polynomials(content: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Hashes:
    """A polynomial over the bytes of each text, by running sums instead of a loop."""
    starts, lengths = offsets[:-1] - offsets[0], np.diff(offsets)
    content = content[offsets[0] : offsets[-1]]
    powers = np.full(int(lengths.max()) + 1, _PRIME, dtype=np.uint64).cumprod(dtype=np.uint64)
    places = np.arange(len(content)) - np.repeat(starts, lengths)
    sums = np.concatenate(([np.uint64(0)], (_BYTE_VALUES[content] * powers[places]).cumsum(dtype=np.uint64)))
    hashes: Hashes = sums[starts + lengths] - sums[starts] + lengths.astype(np.uint64)
    return hashes
