"""What each room may do: no async in the load, no dynamic imports, teams kept apart, every query named and used."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from house_tree import calls, modules, tree

from dayfill.store.queries import QUERIES

PLAIN = (
    "src/dayfill/domain",
    "src/dayfill/sources",
    "src/dayfill/destinations",
    "src/dayfill/engine/load_slice.py",
    "src/dayfill/engine/extract.py",
    "src/dayfill/engine/content_hash.py",
)
"""Plain sync code: it runs in any thread or process, so there is never a loop to await on."""

REGISTRIES = {Path("src/dayfill/sources/__init__.py"), Path("src/dayfill/destinations/__init__.py")}

ABOVE_TEAMS = {
    "keys.credential": "this read decides which teams the caller has",
    "idempotency.find": "a key belongs to a user and a path, and the path names the team",
    "idempotency.keep": "a key belongs to a user and a path, and the path names the team",
    "backfills.failures": "follows a read of the same backfill by its team",
    "schedules.next_of": "follows a read of the same transfer by its team",
    "boards.tally": "follows a read of the same transfer by its team",
    "boards.newest_failures": "follows a read of the same transfers by their team",
    "boards.rows_by_day": "follows a read of the same transfers by their team",
    "boards.cursor": "reads nothing",
}
"""Store functions that the doors use without a team, each with its reason."""

STATEMENTS = {"one", "all", "run", "many", "scan"}


@pytest.mark.parametrize("path", modules(*PLAIN), ids=str)
def test_the_load_is_plain_sync_code(path: Path) -> None:
    colours = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    assert [node.lineno for node in ast.walk(tree(path)) if isinstance(node, colours)] == []


def test_the_load_is_looked_at() -> None:
    assert len(modules(*PLAIN)) > 20


def test_modules_are_imported_by_name_only_in_the_two_registries() -> None:
    dynamic = {"import_module", "__import__", "exec", "eval", "spec_from_file_location"}
    found = {path for path in modules("src") for _, name in calls(tree(path)) if name in dynamic}
    assert found == REGISTRIES


# -- the store


def store_functions_of_the_doors() -> dict[str, Callable[..., object]]:
    """``noun.function`` -> each store function that some file of the api or of the pages names."""
    found: dict[str, Callable[..., object]] = {}
    for path in modules("src/dayfill/api", "src/dayfill/ui"):
        nouns = dict(imported_from(tree(path), "dayfill.store"))
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in nouns:
                noun = nouns[node.value.id]
                value = getattr(import_module(f"dayfill.store.{noun}"), node.attr)
                if inspect.isfunction(value):
                    found[f"{noun}.{node.attr}"] = value
    return found


def imported_from(module: ast.Module, package: str) -> Iterator[tuple[str, str]]:
    """What a name in the module stands for."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)


FUNCTIONS = store_functions_of_the_doors()


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - set(ABOVE_TEAMS)))
def test_the_doors_read_one_team_at_a_time(name: str) -> None:
    first, second, *_ = inspect.signature(FUNCTIONS[name]).parameters.values()
    assert first.name in {"db", "tx"}
    assert second.name == "team_id"
    assert second.default is inspect.Parameter.empty


def test_no_function_above_the_teams_outlives_its_reason() -> None:
    assert set(ABOVE_TEAMS) <= set(FUNCTIONS)


def test_the_doors_change_nothing_behind_the_engines_back() -> None:
    """A change goes door, engine, store; the answer kept with a change is the door's own."""
    first = {name: next(iter(inspect.signature(function).parameters)) for name, function in FUNCTIONS.items()}
    assert {name for name, parameter in first.items() if parameter == "tx"} == {"idempotency.keep"}


def first_arguments() -> Iterator[tuple[str, str]]:
    """Where a statement is run, and its name as a pattern: an f-string's braces may stand for any word."""
    for path in modules("src/dayfill"):
        for call, name in calls(tree(path)):
            if name in STATEMENTS and call.args:
                pattern = query_pattern(call.args[0])
                if pattern:
                    yield f"{path}:{call.lineno}", pattern


def query_pattern(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(query_pattern(part) or r"\w+" for part in node.values)
    if isinstance(node, ast.IfExp):
        return f"({query_pattern(node.body)}|{query_pattern(node.orelse)})"
    return None


def words() -> Iterator[str]:
    """Every string in the code; a statement's name may be handed on before it is run."""
    for path in modules("src/dayfill"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def prefixes() -> Iterator[str]:
    """Beginnings of names by which the store picks a whole group of queries."""
    for path in modules("src/dayfill/store"):
        for call, name in calls(tree(path)):
            if name == "startswith" and isinstance(call.args[0], ast.Constant):
                yield str(call.args[0].value)


STATEMENTS_RUN, WORDS, PREFIXES = list(first_arguments()), set(words()), tuple(prefixes())


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_query_has_a_sentence_and_a_use(name: str) -> None:
    query = QUERIES[name]
    assert query.sentence.endswith("."), "a query says above itself what it does, in a sentence"
    assert query.text
    run_by_pattern = any(re.fullmatch(pattern, name) for _, pattern in STATEMENTS_RUN)
    assert name in WORDS or name.startswith(PREFIXES) or run_by_pattern, "nobody uses this query"


def test_every_statement_that_the_code_names_exists() -> None:
    missing = [(at, wanted) for at, wanted in STATEMENTS_RUN if not any(re.fullmatch(wanted, q) for q in QUERIES)]
    assert missing == []


# -- secrets


def test_a_secret_is_revealed_by_connectors_and_by_what_seals_or_hides_it_alone() -> None:
    found = {path for path in modules("src/dayfill") for _, name in calls(tree(path)) if name == "reveal"}
    rooms = ("src/dayfill/secrets/", "src/dayfill/sources/", "src/dayfill/destinations/", "src/dayfill/outgoing/")
    assert found, "it is called reveal"
    assert {path for path in found if not str(path).startswith(rooms)} == set()


def raw_texts() -> Iterator[str]:
    """Where the engine takes the text of a connector's error otherwise than into `safe`, or into the log."""
    for path in modules("src/dayfill/engine"):
        cleaned = {
            id(part)
            for call, name in calls(tree(path))
            if name in {"safe", "debug", "info", "warning", "error", "exception"}
            for part in [*call.args, *(keyword.value for keyword in call.keywords)]
        }
        for node in ast.walk(tree(path)):
            is_text = isinstance(node, ast.Attribute) and node.attr == "message" and id(node) not in cleaned
            if is_text and isinstance(node.value, ast.Name) and node.value.id == "error":
                yield f"{path}:{node.lineno}"


def test_what_a_connector_says_is_kept_and_told_only_when_it_was_made_safe() -> None:
    assert list(raw_texts()) == [], "safe(error.message, MESSAGE_LENGTH): a driver's text may hold a password"


# -- the tests


def test_no_two_files_of_the_tests_have_one_name() -> None:
    """They are imported by their bare names, so the first of two would be taken for both."""
    names = Counter(path.name for path in modules("tests") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []
