"""A million rows into and out of PostgreSQL through the whole load, against the drivers alone in the same run."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv
from tests.postgres_server import AS_IT_COMES, BINARIES, PostgresServer, own_server

from bench.table import Figure
from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.domain.slices import DayOrder, DestinationJob, Outcome, Slice, SourceJob
from dayfill.domain.transfer import Field, Table
from dayfill.engine.brakes import Brakes
from dayfill.engine.load_slice import load_slice
from dayfill.seams import system_seams

ROWS, ROUNDS = 1_000_000, 3
DAY = date(2024, 1, 1)
COLUMNS = (
    "day date, id bigint, campaign integer, country text, label text, clicks bigint, cost numeric(18,6),"
    " share double precision, seen timestamptz"
)
_DAYS = Table("days")
_DECLARED = {
    **{"day": "DATE", "id": "INTEGER", "campaign": "INTEGER", "country": "STRING", "label": "STRING"},
    **{"clicks": "INTEGER", "cost": "DECIMAL(18,6)", "share": "FLOAT", "seen": "TIMESTAMPTZ"},
}
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

    def load(self, source: SourceJob, destination: DestinationJob, days: int = 1, table: Table = _DAYS) -> float:
        """Seconds that dayfill takes to read and load these days of a table, none of which may fail."""
        token = next(_tokens)
        orders = tuple(DayOrder(DAY + timedelta(n), token, token) for n in range(days))
        job = Slice("bench", 1, 1, source, (table,), destination, orders, 600.0, self.reach)
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
    path, text = folder / "rows.parquet", folder / "rows.csv"
    pq.write_table(rows, path)
    csv.write_csv(rows, text)
    with own_server(AS_IT_COMES) as server:
        place = Place(server, folder)
        place.psql(f"CREATE TABLE alone ({COLUMNS}); CREATE INDEX ON alone (day); CREATE TABLE days ({COLUMNS})")
        files = SourceJob("FILES", {"path": str(path), "date_column": "day"})
        tables = SourceJob("SQL", {**place.fields, "engine": "postgresql", "table": "days", "date_column": "day"})
        file = DestinationJob("DWH_DUCKDB", {"path": str(folder / "warehouse.duckdb")})
        into, ingested = _side_by_side(
            lambda: place.load(files, place.warehouse), lambda: _ingested(place, lambda: pq.read_table(path))
        )
        declared = Table("texts", tuple(Field(name, name, of) for name, of in _DECLARED.items()))
        texts = SourceJob("FILES", {"path": str(text), "date_column": "day"})
        of_text, read_ingested, only_ingested = _side_by_side(
            lambda: place.load(texts, place.warehouse, table=declared),
            lambda: _ingested(place, lambda: _read(text, rows.schema)),
            lambda: _ingested(place, lambda: rows),
        )
        place.psql("INSERT INTO days SELECT * FROM alone")
        between, piped = _side_by_side(lambda: place.load(tables, place.warehouse), lambda: _piped(place))
        out, fetched = _side_by_side(lambda: place.load(tables, file), lambda: _fetched(place))
    without = f"{of_text / only_ingested:.2f} x the ingest of rows that are in memory already"
    return [
        Figure("1M rows of Parquet to PostgreSQL", into, ingested, "s", "s, ADBC ingest alone", 1.3),
        Figure(
            "1M rows of CSV to PostgreSQL", of_text, read_ingested, "s", "s, CSV read + ADBC ingest", 1.3, note=without
        ),
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


def _side_by_side(*measures: Callable[[], float]) -> list[float]:
    """The median of each, taken in turns: what else the machine does meets all of them. The first round warms up."""
    for measure in measures:
        measure()
    rounds = [[measure() for measure in measures] for _ in range(ROUNDS)]
    return [statistics.median(of) for of in zip(*rounds, strict=True)]


def _read(path: Path, schema: pa.Schema) -> pa.RecordBatchReader:
    """The quickest reader of CSV that there is, told the types."""
    return csv.open_csv(path, convert_options=csv.ConvertOptions(column_types=schema))


def _ingested(place: Place, rows: Callable[[], pa.Table | pa.RecordBatchReader]) -> float:
    """Read the rows and replace the day, in one transaction and with the same index."""
    with adbc.connect(place.server.dsn()) as con, con.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute("DELETE FROM alone")
        cursor.adbc_ingest("alone", rows(), mode="append")
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
