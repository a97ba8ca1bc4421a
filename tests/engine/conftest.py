"""A dispatcher to drive, on an installation of its own; at the end no invariant may be broken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from both_databases import on_both
from dayfill import destinations, sources
from installation import Installation
from rig import Rig
from scripted import ScriptedSource, known
from slices import Bench


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both(metafunc)


@pytest.fixture
async def rig(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    made = Rig.create(installation, monkeypatch)
    with capture_logs():
        yield made
        await made.crash()
    assert made.violations == []
    assert await made.check() == []


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    monkeypatch.setattr(sources, "get", known(lambda: made.source))
    monkeypatch.setattr(destinations, "get", known(lambda: made.destination))
    return made


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> ScriptedSource:
    made = ScriptedSource()
    monkeypatch.setattr(sources, "get", known(lambda: made))
    return made
