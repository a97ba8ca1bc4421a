"""The query of some days: what a person wrote, or one over a table, with its bounds put in."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pyarrow as pa

from dayfill.domain import sql
from dayfill.errors import misconfigured
from dayfill.sources.sql.lexicon import Lexicon, with_bounds
from dayfill.sources.sql.options import Options

_NAME = re.compile(r"[^\0.]{1,63}(\.[^\0.]{1,63}){0,2}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a kind of database reads a query, and writes names and moments. typed: DATE '...' and not just '...'."""

    lexicon: Lexicon
    quote: str = '"'
    typed: bool = True
    has_zones: bool = True

    def name(self, text: str) -> str:
        return sql.name(text, self.quote)

    def literal(self, moment: date | datetime) -> str:
        """A date, a moment without a zone, or one in UTC."""
        if not isinstance(moment, datetime):
            return f"{'DATE ' if self.typed else ''}{sql.text(moment.isoformat())}"
        if moment.tzinfo is None:
            return f"{'TIMESTAMP ' if self.typed else ''}{sql.text(moment.isoformat(' '))}"
        text = moment.astimezone(UTC).isoformat(" ")
        if self.has_zones:
            return f"TIMESTAMPTZ {sql.text(text)}"
        return f"{'TIMESTAMP ' if self.typed else ''}{sql.text(text.removesuffix('+00:00'))}"


def of(options: Options, dialect: Dialect, bounds: str, days: tuple[date, date]) -> str:
    """The query for a first day and the day after the last one. bounds: type of these two.

    Raises:
        Permanent: cause CONFIG; it is not a single query, or has no bounds.
    """
    if options.date_column is None:
        return _whole(options, dialect)
    start, end = (dialect.literal(_moment(day, bounds, options.zone)) for day in days)
    if options.table:
        column = dialect.name(options.date_column)
        # SQLite finds a number before every text, whatever the two mean: it is to be met, and not to be missing.
        numbers = "" if dialect.typed else f" OR {column} < ''"
        return f"SELECT * FROM {_path(options.table, dialect)} WHERE {column} >= {start} AND {column} < {end}{numbers}"
    return f"SELECT * FROM (\n{_with_bounds(options.query, dialect.lexicon, {'start': start, 'end': end})}\n) AS days"


def _whole(options: Options, dialect: Dialect) -> str:
    """All rows of a table without days."""
    if options.table:
        return f"SELECT * FROM {_path(options.table, dialect)}"
    return f"SELECT * FROM (\n{_with_bounds(options.query, dialect.lexicon, {})}\n) AS everything"


def of_schema(options: Options, dialect: Dialect) -> str:
    """The same query for no day at all: its columns and no row."""
    if options.table:
        return f"SELECT * FROM {_path(options.table, dialect)} WHERE 1 = 0"
    return f"SELECT * FROM ({of(options, dialect, options.bounds, (date(2000, 1, 1),) * 2)}) AS columns_of WHERE 1 = 0"


def sent(
    query: str, dialect: Dialect, columns: Iterable[str], numbers: Container[str], arrays: Sequence[str] = ()
) -> str:
    """These columns of a query of PostgreSQL. numbers: those of them that are to come as `numeric` takes them.

    arrays: those whose numbers of dimensions are to follow them all.
    """
    named = [(dialect.name(column), column in numbers) for column in columns]
    listed = [f"pg_catalog.numeric_send({name}) AS {name}" if is_number else name for name, is_number in named]
    listed += [f"pg_catalog.array_ndims({dialect.name(array)})" for array in arrays]
    return f"SELECT {', '.join(listed)} FROM ({query}) AS sent"


def with_whole_floats(query: str, dialect: Dialect, columns: pa.Schema) -> str:
    """A FLOAT of MySQL is sent with six digits, too few for what it holds; as a DOUBLE it comes whole."""
    if pa.float32() not in columns.types:
        return query
    named = [(dialect.name(column.name), column.type == pa.float32()) for column in columns]
    listed = ", ".join(f"{name} + 0e0 AS {name}" if is_short else name for name, is_short in named)
    return f"SELECT {listed} FROM ({query}) AS whole"


def _moment(day: date, bounds: str, zone: str) -> date | datetime:
    if bounds == "date":
        return day
    midnight = datetime.combine(day, time())
    return midnight.replace(tzinfo=ZoneInfo(zone)) if bounds == "timestamptz" else midnight


def _path(table: str, dialect: Dialect) -> str:
    if not _NAME.fullmatch(table):
        raise misconfigured("The setting table must be NAME or SCHEMA.NAME.")
    return ".".join(dialect.name(part) for part in table.split("."))


def _with_bounds(query: str, lexicon: Lexicon, values: dict[str, str]) -> str:
    query = query.strip()
    while query.endswith(";"):
        query = query[:-1].rstrip()
    used: set[str] = set()

    def value(bound: str) -> str:
        if bound not in values:
            known = "known are :start and :end" if values else "a table without days has no bounds"
            raise misconfigured(f"The query names :{bound[:40]}; {known}.")
        used.add(bound)
        return values[bound]

    bounded = with_bounds(query, lexicon, value)
    if used != values.keys():
        raise misconfigured("The query must hold both :start, the first day, and :end, the day after the last one.")
    return bounded
