"""Real days through a real cluster: PostgreSQL and Parquet into PostgreSQL, with workers and a node killed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import pyarrow as pa
import pytest
import structlog
from fleet import Fleet, ago
from pyarrow import parquet
from ray_cluster import kill

from postgres_server import BINARIES, AnyServer, sql
from website import website

log = structlog.get_logger(__name__)
pytestmark = pytest.mark.timeout(300)  # Ray takes long to start beside much else
DAYS, ROWS = 12, 50
MADE = f"""
CREATE TABLE visits AS
SELECT (date '{ago(DAYS - 1)}' + n / {ROWS})::date AS day, n, (n * 1.25)::numeric(12, 2) AS price, 'ünd ' || n AS word
FROM generate_series(0, {DAYS * ROWS} - 1) AS n
"""
COLUMNS = "md5(string_agg(concat_ws('|', day, n, price, word), ',' ORDER BY day, n))"


@dataclass
class Exchange:
    """A database with what is read, and a schema in it for what is loaded."""

    dsn: str
    address: Mapping[str, str]

    @property
    def source(self) -> dict[str, str]:
        named = {name: self.address[name] for name in ("host", "port", "user", "database")}
        return {"engine": "postgresql", "table": "visits", "date_column": "day", "tls": "disable", **named}

    @property
    def destination(self) -> dict[str, str]:
        return {**self.address, "schema": "loaded", "tls": "disable"}

    def says(self, query: str) -> str:
        return sql(self.dsn, query)

    def is_whole(self, fleet: Fleet, *tables: str) -> None:
        """Nothing is lost or doubled, and the ledger says what the state does."""
        for table in tables:
            assert self.says(f"SELECT {COLUMNS} FROM loaded.{table}") == self.says(f"SELECT {COLUMNS} FROM visits")
        ledger = self.says("SELECT data_date, token, run_id, row_count FROM loaded._dayfill_days ORDER BY 2").split()
        query = "SELECT data_date, token, run_id FROM transfer_days WHERE settled = 'l' ORDER BY 2"
        assert ledger == [f"{'|'.join(map(str, row))}|{ROWS}" for row in fleet.state(query)]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing can be committed as long as the block lasts, and everything read."""
        words = [
            "--no-psqlrc",
            "--quiet",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            "BEGIN; LOCK TABLE loaded._dayfill_days IN EXCLUSIVE MODE;",
            "-c",
            r"\echo held",
            "-f",
            "-",
        ]
        with subprocess.Popen(
            [BINARIES / "psql", *words, self.dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as session:
            assert session.stdin is not None and session.stdout is not None
            assert session.stdout.readline() == b"held\n"
            yield
            session.stdin.close()

    def waits(self) -> int:
        """How many sessions wait for a lock."""
        return int(self.says("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


@pytest.fixture
def exchange(postgres: AnyServer, postgres_database: str) -> Exchange:
    sql(postgres_database, MADE)
    name = postgres_database.partition("?")[0].rpartition("/")[2]
    return Exchange(postgres_database, {**postgres.address, "database": name})


async def test_parquet_is_loaded_into_postgresql(fleet: Fleet, exchange: Exchange) -> None:
    days = pa.array([ago(DAYS - 1 - n // ROWS) for n in range(DAYS * ROWS)])
    numbers = pa.array(range(DAYS * ROWS))
    table = pa.table({"day": days, "n": numbers, "word": numbers.cast(pa.string())})
    parquet.write_table(table, written := BytesIO())
    with website({"/visits.parquet": (200, {}, written.getvalue())}) as (url, _):
        chosen = {"path": f"{url}/visits.parquet", "date_column": "day"}
        await fleet.backfill(fleet.transfer(source="FILES", fields=exchange.destination, **chosen), DAYS)
        fleet.start()
        await fleet.ended(DAYS)
    assert fleet.runs() == {"COMPLETED": DAYS}
    exchange.says("ALTER TABLE loaded.visits ADD price numeric(12, 2); UPDATE loaded.visits SET price = n * 1.25")
    exchange.says("UPDATE loaded.visits SET word = 'ünd ' || word")
    exchange.is_whole(fleet, "visits")


@pytest.mark.parametrize("lost", ["worker", "node"])
async def test_days_between_two_databases_outlive_their_workers(fleet: Fleet, exchange: Exchange, lost: str) -> None:
    chosen = {"source": "SQL", "fields": exchange.destination}
    tables = [f"visits{number}" for number in range(3)]
    transfers = [fleet.transfer(into=table, **chosen, **exchange.source) for table in tables]
    fleet.is_timed = True
    fleet.start()
    await fleet.backfill(transfers[0], 1)
    await fleet.ended(1)
    assert fleet.runs() == {"COMPLETED": 1}, fleet.state("SELECT message FROM runs")
    node = fleet.cluster.join(cpus=1) if lost == "node" else set()
    with exchange.held():
        for transfer in transfers:
            await fleet.backfill(transfer, DAYS)
        await fleet.until(lambda: exchange.waits() == (3 if node else 2))
        there = {one.pid for one in fleet.cluster.processes() if one.ppid() in node or one.pid in node}
        loads = {one.pid for one in fleet.cluster.workers() if one.name() == "ray::load"}
        began = time.monotonic()
        for pid in there or loads:
            kill(pid)
        await fleet.until(lambda: 2 in [count for _, count in fleet.attempts()])
        lost_runs = fleet.state("SELECT run_id FROM runs WHERE attempts > 1")
    completed = "SELECT run_id FROM runs WHERE status = 'COMPLETED'"
    await fleet.until(lambda: {*lost_runs} <= {*fleet.state(completed)})
    log.info("days_loaded_again", days=len(lost_runs), lost=lost, seconds=round(time.monotonic() - began, 1))
    await fleet.ended(3 * DAYS + 1)
    assert fleet.runs() == {"COMPLETED": 3 * DAYS + 1}
    exchange.is_whole(fleet, *tables)
