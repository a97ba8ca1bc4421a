"""The ground on which all stories of a run are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ground import Ground


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    made = Ground.create(Path(tmp_path_factory.mktemp("ground")))
    yield made
    made.close()
