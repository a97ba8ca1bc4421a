"""SQL that is put together holds code and quoted values: nothing that a file or a person says goes in as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from house_tree import modules, tree

SQL = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|FROM|WHERE|SET|CAST|DESCRIBE|CASE|WHEN|AS|OR|AND|IN)\b"
)

PIECES = {
    "change.path": "made by quoted(), when the change was",
    "raws[column.source]": "raw:0, raw:1, ...: our own names of the columns",
    "_PATTERNS[data_type]": "a constant",
}
"""Attributes and elements that hold SQL and not data, each with its reason."""

CONSTANTS = {"ZONED", "_NUMBER", "_PATTERNS[data_type]"}
"""What is put between quotes that the code writes itself: constants of the same file."""


def put_together(path: Path) -> Iterator[ast.JoinedStr]:
    """Every f-string that is SQL."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.JoinedStr) and any(SQL.search(text) for text in constants(node)):
            yield node


def constants(node: ast.JoinedStr) -> Iterator[str]:
    yield from (part.value for part in node.values if isinstance(part, ast.Constant))


def data_in(node: ast.JoinedStr) -> Iterator[str]:
    """What is interpolated as it stands in some value: no piece of SQL by its name, no call that quotes or builds."""
    for part in node.values:
        if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Attribute | ast.Subscript):
            yield ast.unparse(part.value)


def hand_quoted(node: ast.JoinedStr) -> Iterator[str]:
    """What is interpolated between quotes that the f-string itself has."""
    before = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            before = part.value
        elif isinstance(part, ast.FormattedValue):
            if before.endswith(("'", '"')):
                yield ast.unparse(part.value)
            before = ""


def found(what: str) -> Iterator[tuple[str, str]]:
    look = {"data": data_in, "quoted": hand_quoted}[what]
    for path in modules("src/dayfill/sources", "src/dayfill/destinations", "src/dayfill/store", "src/dayfill/engine"):
        for node in put_together(path):
            yield from ((f"{path}:{node.lineno}", one) for one in look(node))


def test_the_f_strings_are_looked_at() -> None:
    paths = modules("src/dayfill/sources", "src/dayfill/destinations")
    assert sum(1 for path in paths for _ in put_together(path)) > 60


def test_no_sql_is_put_together_from_data() -> None:
    assert [one for one in found("data") if one[1] not in PIECES] == []


def test_no_sql_quotes_by_hand() -> None:
    assert [one for one in found("quoted") if one[1] not in CONSTANTS] == []


def test_no_exception_of_the_sql_rules_outlives_its_reason() -> None:
    assert set(PIECES) == {one for _, one in found("data")}
    assert set(CONSTANTS) == {one for _, one in found("quoted")}


def test_no_value_is_formatted_into_sql_in_another_way() -> None:
    """No % and no format(): only f-strings, which are looked at above."""
    paths = modules("src/dayfill/sources", "src/dayfill/destinations", "src/dayfill/store")
    assert [
        f"{path}:{node.lineno}"
        for path in paths
        for node in ast.walk(tree(path))
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Mod)
            and isinstance(node.left, ast.Constant)
            and isinstance(node.left.value, str)
        )
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "format"
            and isinstance(node.func.value, ast.Constant)
        )
    ] == []
