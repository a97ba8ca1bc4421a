"""A dispatcher that runs for real, on an installation of its own; the races of people run on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from live import Live, running

from both_databases import on_both
from installation import Installation


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both(metafunc)


@pytest.fixture
async def live(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Live]:
    async with running(installation, tmp_path, monkeypatch) as made:
        yield made
