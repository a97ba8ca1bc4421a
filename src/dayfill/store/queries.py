"""Loads the named queries of ``store/sql/*.sql``: a name line, a sentence, the text.

A query has one text for both databases. Where none serves both, ``store/sql/postgresql`` has another of the same name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """One named query: what it is for, and its text with ``:named`` parameters."""

    name: str
    sentence: str
    text: str


def _load(folder: Traversable) -> dict[str, Query]:
    queries: dict[str, Query] = {}
    for file in sorted((one for one in folder.iterdir() if one.name.endswith(".sql")), key=lambda f: f.name):
        pieces = _NAME.split(file.read_text("utf-8"))
        for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
            if name in queries:
                raise ValueError(f"two queries are named {name}")
            lines = body.strip().splitlines()
            sentence = " ".join(line[2:].strip() for line in lines if line.startswith("--"))
            text = "\n".join(line for line in lines if not line.startswith("--")).strip().rstrip(";")
            queries[name] = Query(name, sentence, text)
    return queries


_FOLDER = files("dayfill.store").joinpath("sql")
QUERIES = _load(_FOLDER)
"""All queries by name, as SQLite has them; their sentences are true of both."""


def of_postgresql() -> dict[str, Query]:
    """All queries by name, as PostgreSQL has them, with ``:named`` parameters still."""
    return QUERIES | _load(_FOLDER.joinpath("postgresql"))
