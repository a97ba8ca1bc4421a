"""Tests of these rooms run on both databases: once with the state in a file, once with it in PostgreSQL."""

from __future__ import annotations

import pytest

DATABASES = ("sqlite", "postgresql")


def on_both(metafunc: pytest.Metafunc) -> None:
    """For a room's ``pytest_generate_tests``: each test with an installation, unless it or its module says on which."""
    said = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if "state" in metafunc.fixturenames and "state" not in said:
        metafunc.parametrize("state", getattr(metafunc.module, "STATES", DATABASES), indirect=True)
