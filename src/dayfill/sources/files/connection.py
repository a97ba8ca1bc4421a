"""The reading engine: a DuckDB connection that can see the files of one reading and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb

Connection = duckdb.DuckDBPyConnection

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "enable_external_file_cache": False,  # a file that changed must never be answered from memory
    "temp_directory": "",
}


def text(value: str) -> str:
    """A SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    """A SQL identifier."""
    return '"' + value.replace('"', '""') + '"'


def texts(values: Iterable[str]) -> str:
    """A SQL list of text literals."""
    return "[" + ", ".join(text(value) for value in values) + "]"


def struct(values: Mapping[str, str]) -> str:
    """A SQL struct of text literals."""
    return "{" + ", ".join(f"{text(key)}: {text(value)}" for key, value in values.items()) + "}"


def connect(paths: Sequence[str]) -> Connection:
    """A connection that reads these files, cannot write, load or reach anything else, and cannot be unlocked."""
    con = duckdb.connect(config=_CONFIG)
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"SET allowed_paths = {texts(paths)}")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con
