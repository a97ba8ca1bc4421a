"""Arrow types and DuckDB's names for them, both ways."""

from __future__ import annotations

import re

import duckdb
import pyarrow as pa
import pyarrow.types as kinds

from dayfill.destinations.names import quoted
from dayfill.errors import Permanent

_NAMES: dict[pa.DataType, str] = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint8(): "UTINYINT",
    pa.uint16(): "USMALLINT",
    pa.uint32(): "UINTEGER",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    pa.time64("us"): "TIME",
    pa.timestamp("us"): "TIMESTAMP",
    pa.timestamp("us", "UTC"): "TIMESTAMP WITH TIME ZONE",
    pa.uuid(): "UUID",
    pa.json_(): "JSON",
}
_TYPES = {name: of for of, name in _NAMES.items()}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def name_of(of: pa.DataType) -> str:
    """DuckDB's name of a type that `drift.landed` gave."""
    if kinds.is_list(of):
        return f"{name_of(of.value_type)}[]"
    return f"DECIMAL({of.precision},{of.scale})" if kinds.is_decimal(of) else _NAMES[of]


def columns(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> pa.Schema | None:
    """The table's columns as this transaction sees them; None if there is no such table.

    Raises:
        Permanent: cause SCHEMA; a column has a type that dayfill never creates.
    """
    relation = _relation(con, schema, table)
    if relation is None:
        return None
    return pa.schema(
        [(name, _arrow(str(of), table, name)) for name, of in zip(relation.columns, relation.types, strict=True)]
    )


def exists(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """True if this transaction sees a table or view of this name."""
    return _relation(con, schema, table) is not None


def _relation(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> duckdb.DuckDBPyRelation | None:
    # Binding alone: a tenth of the time of a catalogue query, and unlike a failed statement a failed bind leaves the
    # transaction usable.
    try:
        return con.table(f"{quoted(schema, 'schema')}.{quoted(table, 'table')}")
    except duckdb.CatalogException:
        return None


def _arrow(name: str, table: str, column: str) -> pa.DataType:
    if name.endswith("[]"):
        return pa.list_(_arrow(name.removesuffix("[]"), table, column))
    if match := _DECIMAL.fullmatch(name):
        return pa.decimal128(int(match[1]), int(match[2]))
    if name not in _TYPES:
        raise Permanent(
            "SCHEMA", f"Column {column} of table {table} has type {name}, which dayfill cannot fill: change its type."
        )
    return _TYPES[name]
