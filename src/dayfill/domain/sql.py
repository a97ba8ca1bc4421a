"""Names and texts in SQL: the only functions that put quotes around what comes from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def name(value: str, mark: str = '"') -> str:
    """A SQL identifier. mark: what the database puts around one."""
    return mark + value.replace(mark, mark * 2) + mark


def text(value: str) -> str:
    """A SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    """A SQL list of text literals."""
    return "[" + ", ".join(text(value) for value in values) + "]"


def struct(values: Mapping[str, str]) -> str:
    """A SQL struct of text literals."""
    return "{" + ", ".join(f"{text(key)}: {text(value)}" for key, value in values.items()) + "}"
