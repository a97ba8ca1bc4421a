"""Loads the named queries of ``store/sql/*.sql``: a name line, a sentence, the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """One named query: what it is for, and its text with ``:named`` parameters."""

    name: str
    sentence: str
    text: str


def _load() -> dict[str, Query]:
    queries: dict[str, Query] = {}
    for file in sorted(files("dayfill.store").joinpath("sql").iterdir(), key=lambda f: f.name):
        pieces = _NAME.split(file.read_text("utf-8"))
        for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
            if name in queries:
                raise ValueError(f"two queries are named {name}")
            lines = body.strip().splitlines()
            sentence = " ".join(line[2:].strip() for line in lines if line.startswith("--"))
            text = "\n".join(line for line in lines if not line.startswith("--")).strip().rstrip(";")
            queries[name] = Query(name, sentence, text)
    return queries


QUERIES = _load()
"""All queries by name."""
