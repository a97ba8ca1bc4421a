"""One warehouse per destination kind: each test of the conformance suite runs on all of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from warehouse import WAREHOUSES, Warehouse, close_all, duckdb_warehouse

from dayfill.destinations import KINDS
from postgres_server import AnyServer, sql

_schemas = count(1)


@pytest.fixture(scope="session")
def postgres_warehouses(postgres: AnyServer) -> Iterator[Callable[[], str]]:
    """Schemas of their own in one database; a database for each test would take longer than the test."""
    database = f"warehouses_{uuid.uuid4().hex}"
    sql(postgres.dsn(), f"CREATE DATABASE {database}")
    fields = {**postgres.address, "database": database}
    yield lambda: json.dumps({**fields, "schema": f"test_{next(_schemas)}"})
    close_all()
    sql(postgres.dsn(), f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture(params=sorted(KINDS))
def warehouse_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(warehouse_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new warehouse of the kind is to be."""
    if warehouse_kind == "DWH_POSTGRESQL":
        return str(request.getfixturevalue("postgres_warehouses")())
    return str(tmp_path)


@pytest.fixture
def warehouse(warehouse_kind: str, place: str) -> Iterator[Warehouse]:
    yield WAREHOUSES[warehouse_kind](place)
    if warehouse_kind == "DWH_DUCKDB":
        close_all()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse in a DuckDB file."""
    yield duckdb_warehouse(tmp_path)
    close_all()
