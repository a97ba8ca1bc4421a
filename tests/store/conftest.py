"""Tests of the store run on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from both_databases import on_both
from dayfill.store.migrations import migrate_sqlite
from dayfill.store.sqlite import SqliteDatabase


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both(metafunc)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A new state in a file."""
    migrate_sqlite(tmp_path / "state.db")
    made = SqliteDatabase(tmp_path / "state.db")
    yield made
    await made.close()
