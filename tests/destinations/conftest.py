"""One warehouse per destination kind: each test of the conformance suite runs on all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from warehouse import WAREHOUSES, Warehouse

from dayfill.destinations import KINDS
from dayfill.destinations.duckdb import pool


@pytest.fixture(params=sorted(KINDS))
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    yield WAREHOUSES[request.param](tmp_path)
    pool.close_all()
