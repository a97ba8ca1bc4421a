"""Files and functions stay small enough to be read in one sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from house_tree import ROOT, files, modules, tree

LONGEST_FILE, LONGEST_FUNCTION = 300, 40
"""Lines. The outer wall; the aim is 100 to 150 for a file and under 25 for a function."""

LONGER: dict[str, str] = {
    "tests/storm/released/schema-3-state.sql": "what a release left behind, as it was dumped",
    "tests/storm/released/schema-4-state.sql": "what a release left behind, as it was dumped",
    "tests/storm/released/schema-5-state.sql": "what a release left behind, as it was dumped",
}
"""Exceptions, ``path`` or ``path:function``, each with its reason."""

VAGUE = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}


def long_files() -> Iterator[str]:
    for path in files():
        if path.suffix in {".py", ".sql"} and len((ROOT / path).read_text("utf-8").splitlines()) > LONGEST_FILE:
            yield str(path)


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from def to the last, without the docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def long_functions() -> Iterator[str]:
    for path in modules("src", "tests", "bench", "examples"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > LONGEST_FUNCTION:
                yield f"{path}:{node.name}"


def test_files_and_functions_keep_to_their_length_or_have_a_reason() -> None:
    assert sorted({*long_files(), *long_functions()} - set(LONGER)) == []


def test_no_exception_outlives_its_reason() -> None:
    assert sorted(set(LONGER) - {*long_files(), *long_functions()}) == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path) for path in modules("src", "tests", "bench") if not ast.get_docstring(tree(path))]
    assert silent == []


def test_no_module_is_named_after_nothing() -> None:
    assert [str(path) for path in modules("src", "tests", "bench") if path.stem in VAGUE] == []
