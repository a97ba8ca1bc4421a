"""Which type an undeclared column has: by the file's own schema (Parquet), or by all of its values (CSV, JSON lines).

A text column is what nearly all of its values are. The whole file counts, so the answer is the same for every slice;
a few strays do not turn a column of numbers into text, they fail their own days with a message that names them.
A value counts for a type only if nothing of it would be lost: '007' is not a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dayfill.sources.files import translated
from dayfill.sources.files.connection import Connection
from dayfill.sources.files.fit import ZONED, from_text
from dayfill.sources.files.look import Look, Memory, scan_sql
from dayfill.sources.files.paths import Stamp

_SAMPLE = 2_000
_MANY, _STRAYS_PER_VALUE = 10, 1_000
_REMEMBERED = 100_000
_NUMBER = (  # whole numbers only as far as a float holds every one of them
    r"(?i)\s*-?((0|[1-9]\d{0,14})|(0|[1-9]\d*)?\.\d+|(0|[1-9]\d*)\.)(e[+-]?\d{1,2})?\s*|\s*(nan|[+-]?inf)\s*"
)

_PARQUET = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"), "INTEGER"),
    "UBIGINT": "DECIMAL(20,0)",
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": "DECIMAL(38,0)",
    **dict.fromkeys(("FLOAT", "DOUBLE"), "FLOAT"),
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "TIMESTAMP"),
    **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS WITH TIME ZONE", "TIMESTAMPTZ_NS"), "TIMESTAMPTZ"),
}
_DATES = ("DATE", "TIMESTAMPTZ", "TIMESTAMP")
_TEXT_TYPES = ("INTEGER", "FLOAT", "BOOLEAN", *_DATES)
_WIDER = {frozenset(("INTEGER", "FLOAT")): "FLOAT", frozenset(("DATE", "TIMESTAMP")): "TIMESTAMP"}

_memory = Memory(_REMEMBERED)


def column_types(
    con: Connection, files: Sequence[tuple[Stamp, Look]], columns: Iterable[str], date_column: str | None = None
) -> dict[str, str]:
    """The data types of these columns over all files. date_column: the column that must be a date if it ever can.

    Raises:
        ConnectorError: a file is damaged, or has changed.
    """
    wanted = tuple(columns)
    found: dict[str, set[str]] = {column: set() for column in wanted}
    for stamp, shape in files:
        for column, data_type in _file_types(con, stamp, shape, wanted, date_column).items():
            if data_type is not None:
                found[column].add(data_type)
    return {column: _widest(types, "DATE" if column == date_column else "STRING") for column, types in found.items()}


def _widest(types: set[str], unknown: str) -> str:
    """The type that holds values of all these types. unknown: of a column without any value."""
    if len(types) <= 1:
        return next(iter(types), unknown)
    return _WIDER.get(frozenset(types), "STRING")


def _file_types(
    con: Connection, stamp: Stamp, shape: Look, columns: tuple[str, ...], date_column: str | None
) -> dict[str, str | None]:
    here = shape.types
    present = tuple(column for column in columns if column in here)
    if shape.format == "parquet":
        return {column: parquet_type(here[column]) for column in present}
    if not present:
        return {}
    key = (stamp, shape.form, present, date_column)

    def find() -> dict[str, str | None]:
        with translated.opened([stamp]) as (held,):
            return _text_types(con, held, shape, present, date_column)

    return _memory.get(key, find)


def parquet_type(source_type: str) -> str:
    """The data type that holds every value of a Parquet column; what has no type of its own becomes text."""
    return source_type if source_type.startswith("DECIMAL") else _PARQUET.get(source_type, "STRING")


def _text_types(
    con: Connection, stamp: Stamp, shape: Look, columns: tuple[str, ...], date_column: str | None
) -> dict[str, str | None]:
    scan = scan_sql(shape, [stamp])
    raws = {column: f'"raw:{i}"' for i, (column, _) in enumerate(shape.columns) if column in columns}
    every = {column: _TEXT_TYPES for column in columns}
    sample = _count(con, f"{scan} LIMIT {_SAMPLE}", raws, every)
    # Only the types that the sample leaves possible are counted over the whole file: several times faster.
    likely = {column: _likely(counts, column == date_column) for column, counts in sample.items()}
    return {
        column: _decide(counts, likely[column], column == date_column)
        for column, counts in _count(con, scan, raws, likely).items()
    }


def _likely(counts: dict[str, int], must_be_date: bool) -> tuple[str, ...]:
    if not counts["values"]:
        return _TEXT_TYPES
    if must_be_date:
        return tuple(kind for kind in _DATES if counts[kind] * 2 > counts["values"])
    return tuple(kind for kind in _TEXT_TYPES if counts[kind] * 2 >= counts["values"])


def _decide(counts: dict[str, int], likely: tuple[str, ...], must_be_date: bool) -> str | None:
    values = counts["values"]
    if not values:
        return None
    strays = max(values // _STRAYS_PER_VALUE, 1 if values >= _MANY else 0)
    allowed = values // 2 if must_be_date else strays
    fitting = [kind for kind in likely if values - counts[kind] <= allowed]
    if "INTEGER" in fitting and counts.get("FLOAT", 0) > counts["INTEGER"]:
        return "FLOAT"
    return fitting[0] if fitting else "STRING"


def _count(
    con: Connection, scan: str, raws: Mapping[str, str], kinds: Mapping[str, tuple[str, ...]]
) -> dict[str, dict[str, int]]:
    """How many values each column has, and how many of them are of each of its kinds."""
    wanted: list[tuple[str, str]] = []
    tests: list[str] = []
    for column, raw in raws.items():
        wanted += [(column, "values"), *((column, kind) for kind in kinds[column])]
        tests += [f"{raw} <> ''", *(_is(raw, kind) for kind in kinds[column])]
    inner = ", ".join(f"{test} AS t{i}" for i, test in enumerate(tests))
    counted = ", ".join(f"count(*) FILTER (t{i})" for i in range(len(tests)))
    row = con.sql(f"SELECT {counted} FROM (SELECT {inner} FROM ({scan}))").fetchall()[0]
    counts: dict[str, dict[str, int]] = {column: {} for column in raws}
    for (column, kind), number in zip(wanted, row, strict=True):
        counts[column][kind] = int(number)
    return counts


def _is(raw: str, kind: str) -> str:
    """SQL that is true where a text is of this kind and would come back the same."""
    if kind == "INTEGER":
        return f"CASE WHEN {_plain(raw)} THEN true ELSE {_plain(raw, trimmed=True)} END"
    if kind == "FLOAT":
        return f"CASE WHEN {_plain(raw)} THEN length({raw}) <= 15 ELSE regexp_full_match({raw}, '{_NUMBER}') END"
    if kind == "BOOLEAN":
        return f"lower({raw}) IN ('true', 'false')"
    if kind == "DATE":
        return f"length({raw}) <= 12 AND {from_text(raw, 'DATE')} IS NOT NULL"
    if kind == "TIMESTAMPTZ":
        return f"regexp_full_match({raw}, '{ZONED}') AND TRY_CAST({raw} AS TIMESTAMPTZ) IS NOT NULL"
    return f"{from_text(raw, kind)} IS NOT NULL"


def _plain(raw: str, trimmed: bool = False) -> str:
    return f"CAST(TRY_CAST({raw} AS BIGINT) AS VARCHAR) = {f'trim({raw})' if trimmed else raw}"
