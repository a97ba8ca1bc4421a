"""What every room's tests share: asyncio, an installation of their own, the settings of the property tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from installation import Installation

# No deadline: a busy machine must not fail a correct property.
settings.register_profile("dayfill", deadline=None, print_blob=True)
settings.load_profile("dayfill")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    made = await Installation.create(tmp_path)
    yield made
    await made.close()
