"""What the tests of the SDK share: an installation that they call by it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from official import KINDS, Sdk, sdk

from installation import Installation


@pytest.fixture(params=KINDS)
async def call(request: pytest.FixtureRequest, installation: Installation) -> AsyncIterator[Sdk]:
    """The official SDK in each of its kinds, on a new installation."""
    async with sdk(request.param, installation) as made:
        yield made
