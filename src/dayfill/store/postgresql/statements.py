"""The named queries in the words of PostgreSQL's protocol: numbered parameters, translated once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dayfill.store.db import Values
from dayfill.store.queries import of_postgresql

_PIECES = re.compile(
    r"(?P<text>'(?:[^']|'')*')|(?<!:):(?P<name>[a-z_]\w*)|\s+(?P<hint>NOT INDEXED|INDEXED BY \w+)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One query. names: of its parameters, in the order of their numbers."""

    text: str
    names: tuple[str, ...]

    @property
    def takes_lists(self) -> bool:
        """Whether one call serves many rows: each value is a list then, with an element for each row."""
        return "unnest(" in self.text

    def arguments(self, values: Values) -> list[object]:
        """What to send for these values."""
        return [kept(values[name]) for name in self.names]

    def lists(self, rows: Sequence[Values]) -> list[list[object]]:
        """What to send for many rows at once."""
        return [[kept(row[name]) for row in rows] for name in self.names]


def translated(text: str) -> Statement:
    """A text with ``:named`` parameters; hints to SQLite's planner are left out, they mean nothing here."""
    names: list[str] = []

    def piece(found: re.Match[str]) -> str:
        if found["text"]:
            return found["text"]
        if found["hint"]:
            return ""
        if found["name"] not in names:
            names.append(found["name"])
        return f"${names.index(found['name']) + 1}"

    return Statement(_PIECES.sub(piece, text), tuple(names))


def kept(value: object) -> object:
    """PostgreSQL keeps no NUL in a text."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value


STATEMENTS: Mapping[str, Statement] = {name: translated(query.text) for name, query in of_postgresql().items()}
"""All queries by name."""
