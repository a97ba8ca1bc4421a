"""The ground on which all stories of a run are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ground import Ground

from postgres_state import PostgresStates


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    made = Ground.create(Path(tmp_path_factory.mktemp("ground")))
    yield made
    made.close()


@pytest.fixture(scope="session")
def shared_ground(tmp_path_factory: pytest.TempPathFactory, postgres_states: PostgresStates) -> Iterator[Ground]:
    """The same with the state in PostgreSQL."""
    with postgres_states.one() as state:
        made = Ground.create(Path(tmp_path_factory.mktemp("ground")), state)
        yield made
        made.close()
