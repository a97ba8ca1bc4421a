"""A dispatcher to drive, on an installation of its own; at the end no invariant may be broken."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from installation import Installation
from rig import Rig


@pytest.fixture
async def rig(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    made = Rig.create(installation, monkeypatch)
    with capture_logs():
        yield made
        await made.crash()
    assert made.violations == []
    assert await made.check() == []
