"""Names and rules of a table group: which tables of a source are loaded, with which columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from dayfill.domain.days import FIRST_DAY, WHOLE
from dayfill.domain.transfer import TYPE_PATTERN, Field, Partition, Table

MOST_NAMES = 100
"""Names that are tried for the table group of a transfer."""
MAX_NAME, MAX_PREFIX, MAX_TABLES, MAX_TABLE_FIELDS = 255, 15, 1000, 1000

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
"""Of a table or column, with its prefix: what every kind of destination takes."""
RESERVED = "_dayfill"
"""What names must not start with: dayfill's own tables do."""
_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MARK = re.compile("[\u0300-\u036f]")
_NOT_A_LETTER = re.compile(r"[^A-Za-z0-9]+")

Fault = tuple[str, str]
"""A code for programs and a sentence for people."""


def snake(text: str) -> str:
    """Letters and digits with single underscores between the words: "campaignName" -> "campaign_name".

    A letter with a mark counts as the letter alone: "Größe (cm)" -> "grosse_cm".
    """
    plain = _MARK.sub("", unicodedata.normalize("NFKD", text.replace("ß", "ss")))
    return _NOT_A_LETTER.sub("_", _WORD_START.sub("_", plain)).strip("_").lower()


def column_name(text: str) -> str:
    """The name of a column that nobody has declared: its own where it can be one, else its lower_snake form.

    What has no such form either is returned as it is, for the destination to refuse.
    """
    if _is_name(text):
        return text
    form = snake(text)
    form = f"_{form}" if form[:1].isdigit() else form
    return form if _is_name(form) else text


def table_name(text: str) -> str:
    """The form of table names: UPPER_SNAKE."""
    return snake(text).upper()


def prefix(text: str) -> str:
    """The form of prefixes: UPPER_SNAKE that ends in an underscore, or nothing at all."""
    return f"{table_name(text)}_" if table_name(text) else ""


def names_beside(name: str) -> Iterator[str]:
    """The names for the table group of a transfer of this name, of which the first free one is taken.

    A number follows where a transfer that is gone, or was refused, has left a group.
    """
    yield name
    for number in range(2, MOST_NAMES):
        yield f"{name} {number}"


def of_day(tables: Sequence[Table], day: date) -> tuple[Table, ...]:
    """The tables that a run of this day fills: those with days, or on `WHOLE` those without."""
    wanted = Partition.NONE if day == WHOLE else Partition.DATE
    return tuple(table for table in tables if table.partition is wanted)


def refreshed(tables: Sequence[Table], window: Iterable[date]) -> list[date]:
    """The days that a refresh loads: those of the window, and `WHOLE`, as far as there are tables for them."""
    days = list(window) if of_day(tables, FIRST_DAY) else []
    return [*days, WHOLE] if of_day(tables, WHOLE) else days


def faults(name: str, table_prefix: str, tables: Sequence[Table]) -> list[Fault]:
    """All that is wrong with a table group, whose table names include the prefix."""
    return [*_group(name, table_prefix, tables), *_tables(tables), *_meanings(tables)]


def _group(name: str, table_prefix: str, tables: Sequence[Table]) -> Iterator[Fault]:
    if not 0 < len(name.strip()) <= MAX_NAME:
        yield "SCHEMA_NAME_INVALID", f"The table group's name must have 1 to {MAX_NAME} characters."
    if len(table_prefix) > MAX_PREFIX:
        yield (
            "SCHEMA_PREFIX_INVALID",
            f"The prefix {table_prefix[:50]!r} is longer than {MAX_PREFIX} characters: shorten it.",
        )
    if not tables:
        yield "SCHEMA_TABLES_REQUIRED", "A table group needs at least one table: describe one."
    if len(tables) > MAX_TABLES:
        yield "SCHEMA_TABLES_INVALID", f"There are {len(tables)} tables; {MAX_TABLES} are allowed: make several groups."


def _tables(tables: Sequence[Table]) -> Iterator[Fault]:
    seen: set[str] = set()
    for table in tables:
        if not _is_name(table.name):
            yield "SCHEMA_TABLE_NAME_INVALID", _name_rule(f"table {table.name[:80]!r}")
        if table.name.lower() in seen:
            yield (
                "SCHEMA_TABLE_NAME_DUPLICATE",
                f"Two tables are named {table.name}; case makes no difference. Rename one.",
            )
        seen.add(table.name.lower())
        yield from _columns(table)


def _columns(table: Table) -> Iterator[Fault]:
    if len(table.fields) > MAX_TABLE_FIELDS:
        yield (
            "SCHEMA_FIELDS_INVALID",
            f"Table {table.name} has more than {MAX_TABLE_FIELDS} fields: make several tables.",
        )
    seen: set[str] = set()
    for field in table.fields:
        if not field.field_id:
            yield "SCHEMA_FIELD_ID_INVALID", f"A field of table {table.name} has no field_id: name it."
        if not _is_name(field.target_name):
            yield "SCHEMA_FIELD_NAME_INVALID", _name_rule(f"column {field.target_name[:80]!r} of table {table.name}")
        if field.target_name.lower() in seen:
            yield (
                "SCHEMA_FIELD_NAME_DUPLICATE",
                f"Two columns of table {table.name} are named {field.target_name}: rename one.",
            )
        seen.add(field.target_name.lower())
        if not TYPE_PATTERN.fullmatch(field.data_type):
            yield (
                "SCHEMA_FIELD_TYPE_INVALID",
                f"Field {field.field_id} of table {table.name} has data_type {field.data_type[:50]!r}; known are "
                "STRING, INTEGER, FLOAT, BOOLEAN, DATE, TIMESTAMP, TIMESTAMPTZ and DECIMAL(p,s).",
            )


def _meanings(tables: Sequence[Table]) -> Iterator[Fault]:
    """A field id means the same in every table, because an export lists each field once."""
    known: dict[str, Field] = {}
    for table in tables:
        for field in table.fields:
            if known.setdefault(field.field_id, field) != field:
                yield (
                    "SCHEMA_FIELD_DUPLICATE",
                    f"Field {field.field_id} is described in two different ways: choose one.",
                )


def _is_name(name: str) -> bool:
    return NAME.fullmatch(name) is not None and not name.lower().startswith(RESERVED)


def _name_rule(what: str) -> str:
    return (
        f"The name of {what} cannot be used: it must start with a letter or an underscore, hold only A-Z, a-z, 0-9 and "
        f"underscores, at most 63 with its prefix, and not start with {RESERVED}."
    )
