"""What is read: the columns as they will come, how a row's day is found, and the SQL of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from dayfill.domain.sql import name, text
from dayfill.domain.transfer import Partition, Table
from dayfill.errors import Permanent, misconfigured
from dayfill.sources.files import infer
from dayfill.sources.files.connection import Connection
from dayfill.sources.files.expression import parse
from dayfill.sources.files.fit import sql_type
from dayfill.sources.files.look import Look
from dayfill.sources.files.options import Options
from dayfill.sources.files.paths import Stamp
from dayfill.sources.names import targets
from dayfill.sources.types import arrow_type

DATE_COLUMN = "data_date"
"""The date column that is put in where no column of the table is the day."""

_OF_A_WHOLE = "_dayfill_day"
"""The same for a table without days, out of the way of its columns; it is not loaded."""
_DELIMITERS = {";": ";", "\t": "\\t", "|": "|", ",": "a comma"}
"""What may stand between the columns of a CSV, and how the setting names it."""
_DATES = ("DATE", "TIMESTAMP", "TIMESTAMPTZ")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the reading: its name in the file, at the destination, its data type."""

    source: str
    target: str
    data_type: str


@dataclass(frozen=True, slots=True)
class DayRule:
    """How the day of a row is found. inputs: the columns that it needs, typed; sql: over them, None = by the path."""

    inputs: tuple[Column, ...] = ()
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How the files of a table are read; the same for every slice. declared: the columns must be in every file."""

    columns: tuple[Column, ...]
    day: DayRule
    date_column: str
    declared: bool

    @property
    def schema(self) -> pa.Schema:
        fields = [pa.field(column.target, arrow_type(column.data_type)) for column in self.columns]
        if all(column.target != self.date_column for column in self.columns):
            fields.append(pa.field(self.date_column, pa.date32()))
        return pa.schema(fields)


def make(con: Connection, files: Sequence[tuple[Stamp, Look]], options: Options, table: Table) -> Plan:
    """The plan for these files.

    Raises:
        Permanent: a column is missing, or the date rule does not give a date.
    """
    declared = tuple(Column(field.field_id, field.target_name, field.data_type) for field in table.fields)
    day = _day_rule(con, files, options, declared)
    columns = declared or _inferred(con, files, options, day)
    dates = [column.target for column in columns if column.source == options.date_column and column.data_type == "DATE"]
    put_in = DATE_COLUMN if table.partition is Partition.DATE else _OF_A_WHOLE
    if not dates and put_in in {column.target for column in columns}:
        raise Permanent("SCHEMA", f"The column name {put_in} is taken by the date that dayfill puts in; rename it.")
    return Plan(columns, day, dates[0] if dates else put_in, bool(declared))


def _inferred(
    con: Connection, files: Sequence[tuple[Stamp, Look]], options: Options, day: DayRule
) -> tuple[Column, ...]:
    names = dict.fromkeys(column for _, shape in files for column, _ in shape.columns)
    types = infer.column_types(con, files, names, options.date_column)
    return tuple(Column(column, target, types[column]) for column, target in targets(names).items())


def _day_rule(
    con: Connection, files: Sequence[tuple[Stamp, Look]], options: Options, declared: tuple[Column, ...]
) -> DayRule:
    if options.date_column:
        column = _date_column(con, files, options.date_column, declared)
        return DayRule((column,), _as_date(name(column.source), column.data_type, options.zone))
    if options.date_expression is None:
        return DayRule()
    expression = parse(con, options.date_expression)
    inputs = tuple(_input(con, files, column, declared) for column in expression.columns)
    kind = _type_of(con, expression.sql, inputs, options.date_expression)
    return DayRule(inputs, _as_date(f"TRY({expression.sql})", kind, options.zone))


def _date_column(
    con: Connection, files: Sequence[tuple[Stamp, Look]], wanted: str, declared: tuple[Column, ...]
) -> Column:
    kinds = {column.source: column.data_type for column in declared}
    kind = kinds.get(wanted)
    if kind not in _DATES:
        _must_be_there(files, wanted)
        kind = infer.column_types(con, files, [wanted], wanted)[wanted]
    if kind not in _DATES:
        raise Permanent(
            "SCHEMA",
            f"The date column {wanted} does not hold dates or timestamps as YYYY-MM-DD; set date_expression instead, "
            f"such as strptime({name(wanted)}, '%d.%m.%Y').",
        )
    return Column(wanted, wanted, kind)


def _input(con: Connection, files: Sequence[tuple[Stamp, Look]], wanted: str, declared: tuple[Column, ...]) -> Column:
    """A column that an expression refers to: any case will do, as in SQL; typed as declared, else as inferred."""
    names = dict.fromkeys(column for _, shape in files for column, _ in shape.columns)
    found = [column for column in names if column == wanted] or [
        column for column in names if column.lower() == wanted.lower()
    ]
    if not found:
        _must_be_there(files, wanted)
    kinds = {column.source: column.data_type for column in declared}
    kind = kinds.get(found[0]) or infer.column_types(con, files, found[:1])[found[0]]
    return Column(found[0], wanted, kind)


def _must_be_there(files: Sequence[tuple[Stamp, Look]], column: str) -> None:
    for stamp, shape in files:
        if column not in shape.types:
            raise missing_column(stamp.path, column, shape)


def missing_column(path: str, column: str, shape: Look) -> Permanent:
    """A column that should be in a file and is not, and what is most likely to be done."""
    names = list(shape.types)
    return Permanent(
        "SCHEMA", f"{path} has no column {column}; its columns are {', '.join(names[:50])}. {_likely(shape, names)}"
    )


def _likely(shape: Look, names: Sequence[str]) -> str:
    if shape.format == "csv" and any("\0" in one or one.startswith("\ufffd") for one in names):
        return "It is not UTF-8: save the file as UTF-8."
    if shape.format == "csv" and len(names) == 1:
        for mark, said in _DELIMITERS.items():
            if mark in names[0]:
                return f"Set delimiter to {said}, which stands between them."
    return "Correct the name in the transfer, or the columns of the file."


def _type_of(con: Connection, sql: str, inputs: tuple[Column, ...], said: str) -> str:
    row = ", ".join(f"CAST(NULL AS {sql_type(column.data_type)}) AS {name(column.target)}" for column in inputs)
    try:
        described = con.sql(f"DESCRIBE SELECT {sql} AS day FROM (SELECT {row})").fetchall()
    except duckdb.Error as error:
        raise misconfigured(
            f"The date expression {said!r} cannot be used: {str(error).partition(chr(10))[0]}"
        ) from None
    kind = infer.parquet_type(str(described[0][1]))
    if kind not in _DATES:
        raise misconfigured(f"The date expression {said!r} gives {kind}, not a date or timestamp.")
    return kind


def _as_date(sql: str, kind: str, zone: str) -> str:
    if kind == "DATE":
        return sql
    return f"CAST({f'timezone({text(zone)}, {sql})' if kind == 'TIMESTAMPTZ' else sql} AS DATE)"
