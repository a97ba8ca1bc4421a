"""A dispatcher that runs for real, on an installation of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from live import Live, running

from installation import Installation


@pytest.fixture
async def live(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Live]:
    async with running(installation, tmp_path, monkeypatch) as made:
        yield made
