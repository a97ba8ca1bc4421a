"""Days that do nothing, through the whole dispatcher, against a bare loop of one claimed and finished run a commit."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import apsw

from bench.table import Figure
from bench.world import dispatching, world
from dayfill.domain.days import DayRange
from dayfill.domain.slices import DayResult, Outcome, Slice
from dayfill.executors import Job, Result

DAYS = 10_000
BARE_RUNS = 2_000


class NoOp:
    """An executor whose slices are loaded at once: what is left is the dispatcher and the state."""

    slots = 8

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2)

    def submit(self, run: Callable[[Job], Result], job: Job) -> Future[Result]:
        return self._pool.submit(_answer, job)  # type: ignore[arg-type]

    def close(self) -> None:
        self._pool.shutdown()


def _answer(job: Slice) -> list[DayResult]:
    return [
        DayResult(order.run_id, order.token, order.data_date, Outcome.LOADED, rows=1, content_hash="0")
        for order in job.days
    ]


async def measure(folder: Path) -> Figure:
    ours = await dispatched(folder)
    bare = _bare(folder / "bare.sqlite")
    return Figure("no-op days through the dispatcher", ours, bare, "days/s", "runs/s, bare claim + finish", 0.3, True)


async def dispatched(folder: Path, postgresql: str | None = None, days: int = DAYS) -> float:
    """Days a second, with the state in a file or in PostgreSQL."""
    last = date(2020, 1, 1)
    source = {"path": str(folder / "none.csv"), "date_column": "day"}
    async with world(folder, source, postgresql=postgresql) as here:
        async with dispatching(here.state, NoOp()) as dispatcher:
            began = time.perf_counter()
            backfill = await here.backfill(DayRange(last - timedelta(days=days - 1), last))
            dispatcher.wake()
            ended = await here.ended(backfill.backfill_id)
            assert ended.completed == days
            return days / (time.perf_counter() - began)


def _bare(path: Path) -> float:
    """Claim one, finish one, each run in a commit of its own, with the settings of the state database."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, status TEXT, token INTEGER)")
    connection.execute("CREATE INDEX queued ON runs (id) WHERE status = 'QUEUED'")
    connection.executemany("INSERT INTO runs VALUES (?, 'QUEUED', NULL)", [(n,) for n in range(BARE_RUNS)])
    began = time.perf_counter()
    for token in range(BARE_RUNS):
        connection.execute("BEGIN IMMEDIATE")
        row = connection.execute("SELECT id FROM runs WHERE status = 'QUEUED' ORDER BY id LIMIT 1").fetchone()
        connection.execute("UPDATE runs SET status = 'RUNNING', token = ? WHERE id = ?", (token, row[0]))
        connection.execute(
            "UPDATE runs SET status = 'COMPLETED' WHERE id = ? AND token = ? AND status = 'RUNNING'", (row[0], token)
        )
        connection.execute("COMMIT")
    return BARE_RUNS / (time.perf_counter() - began)
