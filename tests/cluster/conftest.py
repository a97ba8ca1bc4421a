"""One Ray cluster for all tests of this folder, and a dispatcher whose slices it loads."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "storm"))

from fleet import Fleet, connected
from kinds import register
from ray_cluster import RayCluster

from dayfill import destinations, sources
from dayfill.executors.ray import RayExecutor
from installation import Installation


@pytest.fixture(scope="session")
def cluster() -> Iterator[RayCluster]:
    made = RayCluster()
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture(scope="session")
def executor(cluster: RayCluster) -> Iterator[RayExecutor]:
    """Its driver takes seconds to connect, so tests share it too."""
    made = connected(cluster)
    yield made
    made.close()


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "KINDS", {**sources.KINDS})
    monkeypatch.setattr(destinations, "KINDS", {**destinations.KINDS})
    register()


@pytest.fixture
async def fleet(
    installation: Installation, cluster: RayCluster, executor: RayExecutor, kinds: None, tmp_path: Path
) -> AsyncIterator[Fleet]:
    made = Fleet(installation, cluster, tmp_path, executor)
    yield made
    await made.stop()
