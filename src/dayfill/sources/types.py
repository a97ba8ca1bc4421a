"""How the data types of a field are carried in Arrow batches."""

from __future__ import annotations

import re

import pyarrow as pa

_PLAIN = {
    "STRING": pa.string(),
    "INTEGER": pa.int64(),
    "FLOAT": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s?(\d+)\)", re.ASCII)


def decimal_shape(data_type: str) -> tuple[int, int] | None:
    """Precision and scale of ``DECIMAL(p,s)``, None for any other type."""
    match = _DECIMAL.fullmatch(data_type)
    return (int(match[1]), int(match[2])) if match else None


def arrow_type(data_type: str) -> pa.DataType:
    """The Arrow type of a data type that meets ``domain.transfer.TYPE_PATTERN``."""
    shape = decimal_shape(data_type)
    return pa.decimal128(*shape) if shape else _PLAIN[data_type]


def data_type(carried: pa.DataType) -> str:
    """The data type that this Arrow type carries: the way back of `arrow_type`.

    Narrower numbers are numbers; what a source sends beside the data types is told by the name that Arrow has for it.
    """
    if pa.types.is_decimal(carried):
        return f"DECIMAL({carried.precision},{carried.scale})"
    if pa.types.is_integer(carried):
        return "INTEGER"
    if pa.types.is_floating(carried):
        return "FLOAT"
    return next((name for name, plain in _PLAIN.items() if plain == carried), str(carried))
