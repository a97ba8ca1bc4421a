"""A destination under test, the same to every test whatever its kind, and makers of the days that go into it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa

from dayfill import destinations
from dayfill.destinations import DayOutcome, Destination, DestinationConfig, FinishedDay, FinishedTable
from dayfill.destinations.duckdb import faults, pool
from dayfill.domain.reach import Reach
from dayfill.roots import placed

FIRST = date(2024, 1, 1)
TEMP = Reach((tempfile.gettempdir(),))
TRANSFER = 7


@dataclass(frozen=True)
class Warehouse:
    """Destination, its settings, and a way to ask it in plain SQL."""

    destination: Destination
    config: DestinationConfig
    ask: Callable[[str], pa.Table | None]

    def load(self, *days: FinishedDay, before_commit: Callable[[], None] = lambda: None) -> list[DayOutcome]:
        return self.destination.replace_days(self.config, days, before_commit)

    def readings(self, table: str = "visits") -> dict[date, list[int]]:
        """What the table holds: the version stamp of every row, by day."""
        rows = self.ask(f"SELECT data_date, version FROM {table} ORDER BY data_date, version")
        found: dict[date, list[int]] = {}
        for row in rows.to_pylist():
            found.setdefault(row["data_date"], []).append(row["version"])
        return found

    def ledger(self, transfer_id: int = TRANSFER) -> dict[tuple[str, date], tuple[int, int]]:
        """(token, row count) by table and day."""
        rows = self.destination.ledger(self.config, transfer_id)
        return {(row.table_name, row.data_date): (row.token, row.row_count) for row in rows}

    def of_installation(self, installation_id: str) -> Warehouse:
        return replace(self, config=replace(self.config, installation_id=installation_id))

    def with_rivals(self, rivals: set[int]) -> Warehouse:
        return replace(self, config=replace(self.config, rivals=frozenset(rivals)))


def duckdb_warehouse(folder: Path) -> Warehouse:
    path = str(folder / "warehouse.duckdb")

    def ask(sql: str) -> pa.Table | None:
        with pool.session(placed(path, TEMP)) as opened, faults.translated(opened.path):
            relation = opened.connection.sql(sql)
            return None if relation is None else relation.to_arrow_table()

    config = DestinationConfig("here", {"path": path, "schema": None}, reach=TEMP)
    return Warehouse(destinations.get("DWH_DUCKDB"), config, ask)


WAREHOUSES = {"DWH_DUCKDB": duckdb_warehouse}
"""How each destination kind is set up for a test."""


def on(offset: int) -> date:
    """The day this many days after the first."""
    return FIRST + timedelta(days=offset)


def a_day(rows: pa.Table | Sequence[pa.Table], offset: int = 0, token: int = 1, **over: object) -> FinishedDay:
    """A day of table ``visits``, or of ``visits``, ``costs`` if several are given; over: transfer_id, names."""
    tables = [rows] if isinstance(rows, pa.Table) else list(rows)
    names = over.pop("names", ("visits", "costs", "clicks"))
    return FinishedDay(
        transfer_id=over.pop("transfer_id", TRANSFER),
        data_date=on(offset),
        run_id=1000 + token,
        token=token,
        tables=tuple(
            FinishedTable(name, "data_date", table, f"hash-{token}") for name, table in zip(names, tables, strict=False)
        ),
    )


def stamped(version: int, count: int = 10, offset: int = 0, **columns: pa.Array) -> pa.Table:
    """``count`` rows of one day that all carry the version, and further columns."""
    return pa.table(
        {
            "data_date": pa.array([on(offset)] * count, pa.date32()),
            "version": pa.array([version] * count, pa.int64()),
            **columns,
        }
    )


def dated(count: int, offset: int = 0, **columns: pa.Array) -> pa.Table:
    """Rows of one day with just these columns beside the date."""
    return pa.table({"data_date": pa.array([on(offset)] * count, pa.date32()), **columns})
