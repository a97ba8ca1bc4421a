"""A million rows into and out of PostgreSQL through the whole load, against the drivers alone in the same run."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.postgres_server import AS_IT_COMES, BINARIES, PostgresServer, own_server

from bench.table import Figure, median_of
from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.domain.slices import DayOrder, DestinationJob, Outcome, Slice, SourceJob
from dayfill.domain.transfer import Table
from dayfill.engine.brakes import Brakes
from dayfill.engine.load_slice import load_slice
from dayfill.seams import system_seams

ROWS, ROUNDS = 1_000_000, 3
DAY = date(2024, 1, 1)
COLUMNS = (
    "day date, id bigint, campaign integer, country text, label text, clicks bigint, cost numeric(18,6),"
    " share double precision, seen timestamptz"
)
_SEAMS = system_seams()
_tokens = count(1)


@dataclass
class Place:
    """A PostgreSQL server and a folder for files, with what a load may reach of them."""

    server: PostgresServer
    folder: Path
    reach: Reach = field(init=False)

    def __post_init__(self) -> None:
        self.reach = Reach((str(self.folder),), nets=networks(["127.0.0.0/8"]))

    @property
    def fields(self) -> dict[str, str]:
        address = self.server.address
        named = {name: address[name] for name in ("host", "port", "user")}
        return {**named, "database": "postgres", "tls": "disable"}

    @property
    def warehouse(self) -> DestinationJob:
        return DestinationJob("DWH_POSTGRESQL", {**self.fields, "schema": "loaded"})

    def load(self, source: SourceJob, destination: DestinationJob, days: int = 1) -> float:
        """Seconds that dayfill takes to read and load these days of table ``days``, none of which may fail."""
        token = next(_tokens)
        orders = tuple(DayOrder(DAY + timedelta(n), token, token) for n in range(days))
        tables = (Table("days"),)
        job = Slice("bench", 1, 1, source, tables, destination, orders, 600.0, self.reach)
        began = time.perf_counter()
        results = load_slice(job, _SEAMS, lambda sealed, _: sealed, self.folder, Brakes())
        taken = time.perf_counter() - began
        assert {one.outcome for one in results} == {Outcome.LOADED}, results
        return taken

    def psql(self, sql: str) -> None:
        command = [BINARIES / "psql", "--quiet", "-v", "ON_ERROR_STOP=1", "-c", sql, self.server.dsn()]
        subprocess.run(command, check=True, capture_output=True)


def measure(folder: Path) -> list[Figure]:
    rows = made(ROWS)
    path = folder / "rows.parquet"
    pq.write_table(rows, path)
    with own_server(AS_IT_COMES) as server:
        place = Place(server, folder)
        place.psql(f"CREATE TABLE alone ({COLUMNS}); CREATE INDEX ON alone (day); CREATE TABLE days ({COLUMNS})")
        files = SourceJob("FILES", {"path": str(path), "date_column": "day"})
        tables = SourceJob("SQL", {**place.fields, "engine": "postgresql", "table": "days", "date_column": "day"})
        file = DestinationJob("DWH_DUCKDB", {"path": str(folder / "warehouse.duckdb")})
        into = median_of(ROUNDS, lambda: place.load(files, place.warehouse))
        ingested = median_of(ROUNDS, lambda: _ingested(place, path))
        place.psql("INSERT INTO days SELECT * FROM alone")
        between = median_of(ROUNDS, lambda: place.load(tables, place.warehouse))
        piped = median_of(ROUNDS, lambda: _piped(place))
        out = median_of(ROUNDS, lambda: place.load(tables, file))
        fetched = median_of(ROUNDS, lambda: _fetched(place))
    return [
        Figure("1M rows of Parquet to PostgreSQL", into, ingested, "s", "s, ADBC ingest alone", 1.3),
        Figure("1M rows of PostgreSQL to PostgreSQL", between, piped, "s", "s, binary COPY pipe", 1.3),
        Figure("1M rows of PostgreSQL to DuckDB", out, fetched, "s", "s, ADBC fetch + DuckDB insert", 1.3),
    ]


def made(rows: int, day: date = DAY) -> pa.Table:
    chance = np.random.default_rng(7)
    cents = chance.integers(0, 10**9, rows)
    return pa.table(
        {
            "day": pa.array(np.full(rows, np.datetime64(day)), pa.date32()),
            "id": pa.array(np.arange(rows)),
            "campaign": pa.array(chance.integers(0, 500, rows), pa.int32()),
            "country": pa.array(np.array(["de", "fr", "us", "jp"])[chance.integers(0, 4, rows)]),
            "label": pa.array([f"campaign {n} \u2713 'quoted'" for n in chance.integers(0, 5000, rows)]),
            "clicks": pa.array(chance.integers(0, 10**6, rows)),
            "cost": pa.array(cents).cast(pa.decimal128(19, 0)).cast(pa.decimal128(25, 6)).cast(pa.decimal128(18, 6)),
            "share": pa.array(chance.random(rows)),
            "seen": pa.array(chance.integers(1_700_000_000, 1_710_000_000, rows) * 10**6, pa.timestamp("us", "UTC")),
        }
    )


def _ingested(place: Place, path: Path) -> float:
    """Read the file and replace the day, in one transaction and with the same index."""
    with adbc.connect(place.server.dsn()) as con, con.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute("DELETE FROM alone")
        cursor.adbc_ingest("alone", pq.read_table(path), mode="append")
        con.commit()
        return time.perf_counter() - began


def _piped(place: Place) -> float:
    psql = f"{BINARIES / 'psql'} -q -v ON_ERROR_STOP=1 '{place.server.dsn()}'"
    out = "COPY (SELECT * FROM days WHERE day = DATE '2024-01-01') TO STDOUT (FORMAT binary)"
    into = "BEGIN; DELETE FROM alone; COPY alone FROM STDIN (FORMAT binary); COMMIT"
    began = time.perf_counter()
    statements = " ".join(f"-c '{one.strip()}'" for one in into.split(";"))
    subprocess.run(["sh", "-c", f'{psql} -c "{out}" | {psql} {statements}'], check=True)
    return time.perf_counter() - began


def _fetched(place: Place) -> float:
    with adbc.connect(place.server.dsn()) as con, con.cursor() as cursor:
        with duckdb.connect(str(place.folder / "alone.duckdb")) as file:
            file.execute(
                "CREATE TABLE IF NOT EXISTS days (day DATE, id BIGINT, campaign INTEGER, country VARCHAR,"
                " label VARCHAR, clicks BIGINT, cost DECIMAL(18,6), share DOUBLE, seen TIMESTAMPTZ)"
            )
            began = time.perf_counter()
            cursor.execute("SELECT * FROM days WHERE day = DATE '2024-01-01'")
            file.register("fetched", cursor.fetch_record_batch())
            file.execute("BEGIN; DELETE FROM days")
            file.execute("INSERT INTO days SELECT * FROM fetched")
            file.execute("COMMIT")
            return time.perf_counter() - began
