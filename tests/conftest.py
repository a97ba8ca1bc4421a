"""What every room's tests share: asyncio, an installation of their own, the settings of the property tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from installation import Installation

# No deadline: a busy machine must not fail a correct property.
settings.register_profile("dayfill", deadline=None, print_blob=True)
settings.load_profile("dayfill")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A command that is called in the test's own process sends the log to its stderr, which ends with the test."""
    yield
    structlog.reset_defaults()


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    made = await Installation.create(tmp_path)
    yield made
    await made.close()
