"""Arrow types and PostgreSQL's names for them, both ways."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping

import pyarrow as pa
import pyarrow.types as kinds

from dayfill.destinations import nested
from dayfill.destinations.names import checked
from dayfill.domain import sql
from dayfill.errors import Permanent

_NAMES: dict[pa.DataType, str] = {
    pa.bool_(): "boolean",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.binary(): "bytea",
    pa.date32(): "date",
    pa.time64("us"): "time without time zone",
    pa.timestamp("us"): "timestamp without time zone",
    pa.timestamp("us", "UTC"): "timestamp with time zone",
    pa.uuid(): "uuid",
    pa.json_(): "jsonb",
}
_TYPES = {name: of for of, name in _NAMES.items()}
_WIDER = {pa.int8(): pa.int16(), pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64()}
"""PostgreSQL has no integers of one byte and none without a sign."""
_DECIMAL = re.compile(r"numeric\((\d+),(\d+)\)")


def quoted(name: str, what: str) -> str:
    """A checked name, quoted, in small letters: so that people find it however they write it."""
    return sql.name(checked(name, what).lower())


def is_ours(name: str) -> bool:
    """Whether a column has a name that dayfill gives; another one somebody else has added."""
    try:
        return checked(name, "column").lower() == name
    except Permanent:
        return False


def path_of(schema: str, table: str) -> str:
    """A table, quoted."""
    return f"{quoted(schema, 'schema')}.{quoted(table, 'table')}"


def stored(of: pa.DataType) -> pa.DataType:
    """The type in which PostgreSQL keeps a type that `drift.landed` gave."""
    return pa.list_(stored(of.value_type)) if kinds.is_list(of) else _WIDER.get(of, of)


def name_of(of: pa.DataType) -> str:
    """PostgreSQL's name of a type that `stored` gave."""
    if kinds.is_list(of):
        return f"{name_of(of.value_type)}[]"
    return f"numeric({of.precision},{of.scale})" if kinds.is_decimal(of) else _NAMES[of]


def columns(declared: Mapping[str, str], table: str, wanted: Container[str]) -> pa.Schema:
    """Of a table's columns, with PostgreSQL's types by name, those that are wanted. wanted: names in small letters.

    A name that dayfill does not give is that of another column, which somebody has added.

    Raises:
        Permanent: cause SCHEMA; one has a type that dayfill never creates.
    """
    ours = {name: of for name, of in declared.items() if name in wanted and is_ours(name)}
    return pa.schema([(name, _arrow(of, table, name)) for name, of in ours.items()])


def _arrow(name: str, table: str, column: str) -> pa.DataType:
    if name.endswith("[]"):
        return pa.list_(_arrow(name.removesuffix("[]"), table, column))
    if match := _DECIMAL.fullmatch(name):
        precision, scale = int(match[1]), int(match[2])
        if precision <= 38:
            return pa.decimal128(precision, scale)
    if name == "character varying":
        return pa.string()
    if name not in _TYPES:
        raise Permanent(
            "SCHEMA", f"Column {column} of table {table} has type {name}, which dayfill cannot fill: change its type."
        )
    return _TYPES[name]


def fetched(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    """A column as the driver gives it, in another type.

    Raises:
        pyarrow.ArrowException: a value does not fit.
    """
    if column.type == wanted:
        return column
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if nested.is_nested(wanted):
        return nested.values(column, wanted)
    if kinds.is_list(column.type) and kinds.is_list(wanted):
        items = fetched(column.values, wanted.value_type)
        return pa.ListArray.from_arrays(column.offsets, items, mask=column.is_null())
    return column.cast(wanted, safe=False)
