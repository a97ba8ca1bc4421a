"""The work that dayfill and dlt both do: which days, from where to where, and what must stand there afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import adbc_driver_postgresql.dbapi as adbc
import duckdb
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
from tests.postgres_server import PostgresServer, sql

from bench.databases import COLUMNS, made

FIRST = date(2024, 1, 1)
SCHEMA = "loaded"
"""Of the table ``days`` that both write."""
_WRITTEN = {"parquet": "Parquet", "csv": "CSV", "postgresql": "PostgreSQL", "duckdb": "DuckDB"}


class Taken(NamedTuple):
    """What a round took, in seconds. cpu: of the loading process alone, which says more than time on a busy machine."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Size:
    """So many days of so many rows. goal: by how much dayfill shall be the faster.

    rounds: in which every day is replaced; the first load of all comes before them, and does not count.
    """

    days: int
    rows: int
    goal: float
    rounds: int

    def __str__(self) -> str:
        return f"{self.days} x {self.rows:,} rows"

    @property
    def dates(self) -> list[date]:
        return [FIRST + timedelta(n) for n in range(self.days)]


SIZES = (Size(1, 100_000, 2, rounds=9), Size(30, 1_000, 15, rounds=3))


@dataclass(frozen=True, slots=True)
class Case:
    """From one kind of place to another, each as `_WRITTEN` names it."""

    source: str
    destination: str

    def __str__(self) -> str:
        return f"{_WRITTEN[self.source]} to {_WRITTEN[self.destination]}"


CASES = (
    Case("parquet", "postgresql"),
    Case("csv", "postgresql"),
    Case("postgresql", "postgresql"),
    Case("postgresql", "duckdb"),
)


@dataclass(frozen=True, slots=True)
class Sources:
    """The same rows as files, one a day, and as the table ``days`` of a database. totals: what `totals_of` must say."""

    folder: Path
    database: str
    totals: str

    @classmethod
    def make(cls, folder: Path, server: PostgresServer, size: Size) -> Sources:
        """Write the rows of this size; the table has an index on its date, as a table of that kind has."""
        parts = [made(size.rows, day) for day in size.dates]
        for day, part in zip(size.dates, parts, strict=True):
            pq.write_table(part, folder / f"{day}.parquet")
            csv.write_csv(part, folder / f"{day}.csv")
        database = f"source_{size.days}"
        sql(server.dsn(), f"CREATE DATABASE {database}")
        sql(server.dsn(database), f"CREATE TABLE days ({COLUMNS}); CREATE INDEX ON days (day)")
        rows = pa.concat_tables(parts)
        with adbc.connect(server.dsn(database)) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest("days", rows, mode="append")
            connection.commit()
        sql(server.dsn(database), "ANALYZE days")
        with duckdb.connect() as memory:
            return cls(folder, database, _totals(memory.register("rows", rows), "rows"))


def totals_of(case: Case, server: PostgresServer, place: str) -> str:
    """What stands at the destination. place: the name of a database, or the path of a DuckDB file."""
    if case.destination == "postgresql":
        return sql(server.dsn(place), _query(f"{SCHEMA}.days"))
    with duckdb.connect(place, read_only=True) as file:
        return _totals(file, f"{SCHEMA}.days")


def _totals(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    (row,) = connection.execute(_query(table)).fetchall()
    return "|".join(str(value) for value in row)


def _query(table: str) -> str:
    """How many rows and days, and the sums of them: a row too many, too few, or rounded changes one of them."""
    seconds = "CAST(extract(epoch FROM seen) AS BIGINT)"
    sums = ["id", "campaign", "clicks", seconds]
    columns = [f"CAST(sum({one}) AS BIGINT)" for one in sums] + ["CAST(sum(cost) AS DECIMAL(30,6))", "max(label)"]
    return f"SELECT count(*), count(DISTINCT day), count(country), {', '.join(columns)} FROM {table}"
