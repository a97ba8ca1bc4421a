"""A template that the tests of this folder fork their servers from, and sources that only they know."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import servers

from dayfill import sources


@pytest.fixture(autouse=True)
def kinds_as_before() -> Iterator[None]:
    """An arena makes the stamped sources known to the process that makes it."""
    before = dict(sources.KINDS)
    yield
    sources.KINDS.clear()
    sources.KINDS.update(before)
    sources.get.cache_clear()


@pytest.fixture(scope="session")
def template() -> Iterator[servers.Template]:
    with servers.template() as made:
        yield made
