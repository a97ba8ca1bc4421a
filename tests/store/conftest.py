"""Tests of the store run on both databases."""

from __future__ import annotations

import pytest

from both_databases import on_both


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both(metafunc)
