"""Where the texts, quoted names and comments of a query begin and end: each kind of database has rules of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from dayfill.errors import misconfigured

_PLAIN, _ESCAPED = r"'(?:[^']|'')*+'", r"'(?:[^'\\]|''|\\.)*+'"
_NAME, _NAME_OR_TEXT = r'"(?:[^"]|"")*+"', r'"(?:[^"\\]|""|\\.)*+"'
_BACKTICKS, _BRACKETS = r"`(?:[^`]|``)*+`", r"\[[^\]]*+\]"
_DOLLARS = r"\$(?P<tag>(?:[^\W\d]\w*+)?)\$(?s:.*?)\$(?P=tag)\$"
_LINE, _LINE_CR = r"--[^\n]*+", r"--[^\n\r]*+"
_LINE_MYSQL = r"(?:--(?=[\x00-\x20\x7f]|\Z)|\#)[^\n]*+"
_GAP = rf"(?:[ \t\f\v]|{_LINE_CR})*+[\n\r](?:[ \t\f\v\n\r]|{_LINE_CR}[\n\r])*+"
"""Between two parts of one text of PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """pattern: the next token that matters. nests: comments can hold comments. runs: some comments are executed."""

    pattern: re.Pattern[str]
    nests: bool = False
    runs: bool = False


def _lexicon(*closed: str, nests: bool = False, runs: bool = False) -> Lexicon:
    """closed: the texts, names and line comments of a database, the longer before the shorter."""
    parts = (
        *closed,
        r"(?P<comment>/\*)",
        r"\w[\w$]*+",
        r"::",
        r"(?<![\w$]):(?P<bound>[^\W\d]\w*+)",
        r"(?P<end>;)",
        r"(?P<open>['\"])",
    )
    return Lexicon(re.compile("|".join(parts), re.DOTALL), nests, runs)


POSTGRESQL = _lexicon(rf"[eE]{_ESCAPED}(?:{_GAP}{_ESCAPED})*+", _PLAIN, _NAME, _DOLLARS, _LINE_CR, nests=True)
DUCKDB = _lexicon(rf"[eE]{_ESCAPED}", _PLAIN, _NAME, _BACKTICKS, _DOLLARS, _LINE_CR, nests=True)
SQLITE = _lexicon(_PLAIN, _NAME, _BACKTICKS, _BRACKETS, _LINE)


def mysql(modes: str) -> Lexicon:
    """Of a session of MySQL or MariaDB. modes: its sql_mode."""
    escapes = "NO_BACKSLASH_ESCAPES" not in modes
    names = "ANSI_QUOTES" in modes or not escapes
    return _lexicon(
        _ESCAPED if escapes else _PLAIN, _NAME if names else _NAME_OR_TEXT, _BACKTICKS, _LINE_MYSQL, runs=True
    )


def with_bounds(query: str, lexicon: Lexicon, value: Callable[[str], str]) -> str:
    """The query with a value for each ``:name``; what looks like one within a text, name or comment stays.

    Raises:
        Permanent: cause CONFIG; it holds more than one statement, or a text, name or comment that does not end.
    """
    made, at = [], 0
    while (found := lexicon.pattern.search(query, at)) is not None:
        made.append(query[at : found.start()])
        at = found.end()
        if found["end"]:
            raise misconfigured("The query must be one statement: leave out the semicolon and what follows it.")
        if found["open"]:
            raise misconfigured(f"The query holds a {found[0]} that nothing closes.")
        if found["comment"]:
            at = _comment_end(query, found.start(), lexicon)
        made.append(value(found["bound"]) if found["bound"] else query[found.start() : at])
    return "".join([*made, query[at:]])


def _comment_end(query: str, start: int, lexicon: Lexicon) -> int:
    if lexicon.runs and re.match(r"/\*M?!", query[start:]):
        raise misconfigured(
            "The query must not hold a comment that the database runs: write what is in /*! ... */ without the marks."
        )
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(query, start):
        if mark[0] == "*/":
            depth -= 1
        elif lexicon.nests or depth == 0:
            depth += 1
        if depth == 0:
            return mark.end()
    raise misconfigured("The query holds a comment /* that nothing closes.")
