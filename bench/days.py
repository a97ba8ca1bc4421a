"""Thousand-row days from Parquet into DuckDB, against bare DuckDB transactions of the same days without any state."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.table import Figure
from bench.world import World, dispatching, world
from dayfill.domain.days import DayRange
from dayfill.domain.run import Priority, RunStatus, Trigger
from dayfill.engine import runs
from dayfill.engine.dispatch import Dispatcher
from dayfill.executors.threads import ThreadsExecutor
from dayfill.store import runs as stored_runs

DAYS, ROWS = 1_827, 1_000
FIRST = date(2019, 1, 1)
SINGLE_DAYS = 15


async def measure(folder: Path) -> list[Figure]:
    path = folder / "days.parquet"
    rows = _write(path)
    bare = _bare(folder / "bare.duckdb", rows, path)
    async with world(folder, {"path": str(path), "date_column": "day"}) as here:
        async with dispatching(here.state, ThreadsExecutor(8)) as dispatcher:
            began = time.perf_counter()
            backfill = await here.backfill(DayRange(FIRST, FIRST + timedelta(days=DAYS - 1)))
            dispatcher.wake()
            ended = await here.ended(backfill.backfill_id)
            whole = time.perf_counter() - began
            assert (ended.completed, ended.rows_total) == (DAYS, DAYS * ROWS)
            alone = statistics.median([await _single(here, dispatcher, n) for n in range(SINGLE_DAYS)]) * 1e3
    return [
        Figure("1,827 days of 1k rows, end to end", whole, sum(bare.first), "s", "s, bare, rows in memory", 2),
        Figure(
            "one 1k-row day again, run now to loaded",
            alone,
            statistics.median(bare.from_file) * 1e3,
            "ms",
            "ms, bare, from the same file",
            3,
            note=f"{alone / statistics.median(bare.from_memory) / 1e3:.1f} x one with its rows in memory",
        ),
    ]


async def _single(here: World, dispatcher: Dispatcher, n: int) -> float:
    """Seconds from asking for one day, loaded before, until it is loaded again: three commits of the state included."""
    began = time.perf_counter()
    async with here.state.db.write() as tx:
        asked = await runs.enqueue(
            tx,
            here.state.seams,
            here.team_id,
            here.transfer_id,
            [_single_day(n)],
            trigger=Trigger.MANUAL,
            priority=Priority.INTERACTIVE,
        )
    dispatcher.wake()
    while True:
        await asyncio.sleep(0.002)  # asking more often would take the interpreter from the load
        run = await stored_runs.get(here.state.db, here.team_id, asked.run_ids[0])
        if run is not None and run.status is RunStatus.COMPLETED:
            return time.perf_counter() - began


def _single_day(n: int) -> date:
    return FIRST + timedelta(days=100 + n)


def _write(path: Path) -> pa.Table:
    """Twelve columns, as a marketing table has them: ids, names with a few nulls, money, figures, a timestamp."""
    chance = np.random.default_rng(7)
    count = DAYS * ROWS
    offsets = np.repeat(np.arange(DAYS), ROWS)
    names = np.array([f"Campaign {n} — “ünïque”" for n in range(200)], dtype=object)
    clicks = chance.integers(0, 5_000, count)
    rows = pa.table(
        {
            "day": pa.array(offsets + (FIRST - date(1970, 1, 1)).days, pa.int32()).cast(pa.date32()),
            "account_id": chance.integers(1, 10**12, count),
            "campaign_id": chance.integers(1, 10**9, count),
            "campaign": pa.array(names[chance.integers(0, 200, count)], mask=chance.random(count) < 0.03),
            "ad_group": pa.array(names[chance.integers(0, 200, count)]),
            "device": pa.array(np.array(["desktop", "phone", "tablet"], dtype=object)[chance.integers(0, 3, count)]),
            "impressions": clicks * 20,
            "clicks": clicks,
            "cost": pa.array(chance.integers(0, 10**9, count)).cast(pa.decimal128(25, 6)).cast(pa.decimal128(25, 6)),
            "conversions": chance.random(count),
            "value": chance.random(count) * 100,
            "updated": pa.array(1_600_000_000_000_000 + offsets * 86_400_000_000, pa.timestamp("us", "UTC")),
        }
    )
    pq.write_table(rows, path, row_group_size=ROWS * 32)
    return rows


@dataclass(frozen=True, slots=True)
class Bare:
    """Seconds of bare transactions: each day for the first time, then some days again, in two ways."""

    first: list[float]
    from_memory: list[float]
    from_file: list[float]


def _bare(path: Path, rows: pa.Table, parquet: Path) -> Bare:
    """Delete and insert, day by day, without any state or ledger."""
    connection = duckdb.connect(str(path))
    part = rows.slice(0, ROWS)
    connection.register("part", part)
    connection.execute("CREATE TABLE days AS SELECT * FROM part LIMIT 0")
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    some = [_single_day(n) for n in range(SINGLE_DAYS)]
    first = [_replace_from_memory(connection, rows, day) for day in days]
    again = [_replace_from_memory(connection, rows, day) for day in some]
    from_file = [_replace(connection, day, f"read_parquet('{parquet}') WHERE day = DATE '{day}'") for day in some]
    connection.close()
    return Bare(first, again, from_file)


def _replace_from_memory(connection: duckdb.DuckDBPyConnection, rows: pa.Table, day: date) -> float:
    connection.register("part", rows.slice((day - FIRST).days * ROWS, ROWS))
    return _replace(connection, day, "part")


def _replace(connection: duckdb.DuckDBPyConnection, day: date, source: str) -> float:
    began = time.perf_counter()
    connection.execute("BEGIN")
    connection.execute("DELETE FROM days WHERE day = ?", [day])
    connection.execute(f"INSERT INTO days SELECT * FROM {source}")
    connection.execute("COMMIT")
    return time.perf_counter() - began
