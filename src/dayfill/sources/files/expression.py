"""Date expressions: one scalar SQL expression over the columns of a row, of nothing but what is on the lists here."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dayfill.errors import Permanent, misconfigured
from dayfill.sources.files.connection import Connection

_CLASSES = frozenset(
    ("COLUMN_REF", "CONSTANT", "FUNCTION", "CAST", "COMPARISON", "CONJUNCTION", "CASE", "BETWEEN", "OPERATOR")
)
_OPERATORS = frozenset(
    """OPERATOR_CAST OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_COALESCE OPERATOR_NULLIF OPERATOR_TRY
    COMPARE_IN COMPARE_NOT_IN COMPARE_BETWEEN COMPARE_NOT_BETWEEN ARRAY_SLICE ARRAY_EXTRACT""".split()
)
_FUNCTIONS = frozenset(
    """make_date make_timestamp make_timestamp_ms to_timestamp epoch_ms strptime try_strptime strftime date_trunc
    datetrunc date_part datepart date_add date_sub date_diff datediff last_day timezone year month day hour minute
    second week quarter dayofyear dayofweek isoyear epoch to_years to_months to_weeks to_days to_hours to_minutes
    to_seconds to_milliseconds to_microseconds substr substring left right lower upper trim ltrim rtrim replace
    split_part regexp_extract regexp_replace regexp_matches regexp_full_match concat lpad length strlen starts_with
    contains prefix suffix if ifnull nullif greatest least abs round floor ceil trunc mod
    + - * / // % || ~~ !~~""".split()
)
_TYPES = frozenset(
    """DATE TIMESTAMP TIMESTAMPTZ DATETIME VARCHAR TEXT STRING INTEGER INT INT4 INT8 BIGINT SMALLINT HUGEINT DOUBLE
    FLOAT DECIMAL NUMERIC BOOLEAN BOOL INTERVAL""".split()
) | {"TIMESTAMP WITH TIME ZONE"}
_LONGEST = 2_000
_LONGEST_PAD, _MOST_TIMES = 100, 1_000
"""What lpad fills up to; and how many times as long as its columns a text may become, if all goes against us."""
Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression. sql: as it will run, written anew from the parsed tree. columns: what it refers to."""

    sql: str
    columns: tuple[str, ...]


def parse(con: Connection, source: str) -> Expression:
    """The expression of a person, checked.

    Raises:
        Permanent: it is not one scalar expression, or uses something that is not on the list.
    """
    if len(source) > _LONGEST:
        raise misconfigured(f"The date expression is longer than {_LONGEST:,} characters.")
    tree = _tree(con, source)
    node = _only_expression(tree, source)
    columns: list[str] = []
    for part in _walk(node):
        _check(part, source)
        if part.get("class") == "COLUMN_REF":
            columns.append(part["column_names"][0])
    _check_growth([part for part in _walk(node) if part["class"] == "FUNCTION"], source)
    if not columns:
        raise _refused(source, "it names no column, so every row would have the same day")
    rows = con.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(tree)]).fetchall()
    return Expression(
        str(rows[0][0]).removeprefix("SELECT "), tuple({column.lower(): column for column in columns}.values())
    )


def _tree(con: Connection, source: str) -> Node:
    rows = con.execute("SELECT json_serialize_sql(?)", [f"SELECT ({source}\n)"]).fetchall()
    tree: Node = json.loads(rows[0][0])
    if tree.get("error"):
        raise _refused(source, str(tree.get("error_message", "it cannot be parsed")).partition("\n")[0])
    return tree


def _only_expression(tree: Node, source: str) -> Node:
    statements = tree["statements"]
    node = statements[0]["node"]
    parts = node.get("select_list") or []
    one = len(statements) == 1 and node["type"] == "SELECT_NODE" and len(parts) == 1 and not parts[0].get("alias")
    bare = node.get("from_table", {}).get("type") == "EMPTY" and not node["cte_map"]["map"]
    empty = ("modifiers", "where_clause", "group_expressions", "group_sets", "having", "sample", "qualify")
    if not (one and bare) or any(node.get(key) for key in empty):
        raise _refused(source, "it must be one expression, without a query around it")
    first: Node = parts[0]
    return first


def _walk(value: object) -> Iterator[Node]:
    """Every node of the tree that has a class; whatever is nested, under whatever name."""
    if isinstance(value, dict):
        if "class" in value:
            yield value
        for child in value.values():
            yield from _walk(child)
    elif isinstance(value, list):
        for child in value:
            yield from _walk(child)


def _check(node: Node, source: str) -> None:
    kind = node["class"]
    if kind == "TYPE":
        _check_type(node, source)
    elif kind not in _CLASSES:
        raise _refused(source, f"{kind.lower().replace('_', ' ')} is not allowed in it")
    elif kind == "FUNCTION":
        _check_function(node, source)
    elif kind == "OPERATOR" and node["type"] not in _OPERATORS:
        raise _refused(source, f"{node['type'].lower().replace('_', ' ')} is not allowed in it")
    elif kind == "COLUMN_REF" and len(node["column_names"]) != 1:
        raise _refused(source, f"{'.'.join(node['column_names'])} is not a column of the file")


def _check_function(node: Node, source: str) -> None:
    called = node["function_name"].lower()
    plain = not node["schema"] and not node["catalog"] and len(node["qualified_name"]["path"]) == 1
    extras = node["filter"] or node["distinct"] or node["export_state"] or node["order_bys"]["orders"]
    if called not in _FUNCTIONS or not plain or extras:
        raise _refused(source, f"the function {called} is not allowed in it")


def _check_growth(calls: list[Node], source: str) -> None:
    """A short expression must not make a text that fills the memory: no deadline ends the call of one function."""
    times = joined = 1
    for call in calls:
        called, arguments = call["function_name"].lower(), [one["expression"] for one in call["arguments"]]
        if called == "lpad" and not _padding(arguments) <= _LONGEST_PAD:
            raise _refused(source, f"the length in lpad must be a number up to {_LONGEST_PAD}")
        if called in ("replace", "regexp_replace"):
            times *= _times(called, arguments, source)
        if called in ("||", "concat"):
            joined += max(len(arguments) - 1, 0)
    if times * joined > _MOST_TIMES:
        raise _refused(source, "what it replaces and joins could become too long")


def _padding(arguments: list[Node]) -> float:
    literal = arguments[1].get("literal") if len(arguments) > 1 else None
    digits = literal["text"] if literal else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else math.inf


def _times(called: str, arguments: list[Node], source: str) -> int:
    """How many times as long a text can be after a replacement. That of an expression may stand for each character, and
    repeat what it stands for."""
    texts = [one["literal"]["text"] for one in arguments[1:3] if "literal" in one]
    if len(texts) < 2:
        raise _refused(source, f"{called} takes plain texts for what it seeks and what it puts there")
    sought, put = (len(one.encode()) for one in texts)
    return put + 1 if called == "regexp_replace" else max(1, -(-put // max(sought, 1)))


def _check_type(node: Node, source: str) -> None:
    if node["type_name"].upper() not in _TYPES or node["schema"] or node["catalog"]:
        raise _refused(source, f"the type {node['type_name']} is not allowed in it")


def _refused(source: str, why: str) -> Permanent:
    shown = source if len(source) <= 80 else source[:77] + "..."
    return misconfigured(
        f"The date expression {shown!r} cannot be used: {why}. An example: make_date(year, month, day)."
    )
