"""With the state in PostgreSQL: days that do nothing, through the whole dispatcher, against a bare loop of claims."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

import asyncpg
from tests.postgres_server import AS_IT_COMES, new_database, own_server

from bench import http
from bench.client import load
from bench.noop import BARE_RUNS, dispatched
from bench.table import Figure

REQUESTS, CONNECTIONS, ROUNDS = 1_600, 16, 3


async def measure(folder: Path) -> list[Figure]:
    for name in ("noop", "read"):
        (folder / name).mkdir()
    with own_server(AS_IT_COMES) as server:
        with new_database(server) as ours_dsn, new_database(server) as bare_dsn:
            bare = await _bare(bare_dsn)
            ours = await dispatched(folder / "noop", ours_dsn)
        with new_database(server) as dsn:
            read = await _read(folder / "read", dsn)
    unit = "runs/s, bare claim + finish on one connection"
    return [Figure("no-op days through the dispatcher, PostgreSQL", ours, bare, "days/s", unit, 0.8, True), read]


async def _read(folder: Path, dsn: str) -> Figure:
    """A backfill of ten days that have failed, so with its report, by the server and by what one would write first."""
    with http.started("dayfill", str(folder), str(folder / "none.csv"), dsn) as server:
        backfill = await asyncio.to_thread(http._ended, server, 10, "FAILED")
        path = f"/teams/{server.team_id}/backfills/{backfill}"
        with http.started(dsn, module="bench.naive") as naive:
            rounds = [(await _rate(server, path, server), await _rate(naive, path, server)) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(rates) for rates in zip(*rounds, strict=True))
    return Figure("GET backfill, PostgreSQL", ours, theirs, "r/s", "r/s, FastAPI + SQLAlchemy async", 7, True)


async def _rate(process: http.Process, path: str, ours: http.Process) -> float:
    await load(process.port, path, ours.api_key, requests=100, connections=CONNECTIONS)
    taken = await load(process.port, path, ours.api_key, requests=REQUESTS, connections=CONNECTIONS)
    return REQUESTS / taken.seconds


async def _bare(dsn: str) -> float:
    """Claim one, finish one, each run in a commit of its own, on one connection."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE runs (id BIGINT PRIMARY KEY, status TEXT, token BIGINT)")
    await connection.execute("CREATE INDEX queued ON runs (id) WHERE status = 'QUEUED'")
    await connection.executemany("INSERT INTO runs VALUES ($1, 'QUEUED', NULL)", [(n,) for n in range(BARE_RUNS)])
    began = time.perf_counter()
    for token in range(BARE_RUNS):
        async with connection.transaction():
            (row,) = await connection.fetch(
                "SELECT id FROM runs WHERE status = 'QUEUED' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
            )
            await connection.execute("UPDATE runs SET status = 'RUNNING', token = $1 WHERE id = $2", token, row[0])
            await connection.execute(
                "UPDATE runs SET status = 'COMPLETED' WHERE id = $1 AND token = $2 AND status = 'RUNNING'",
                row[0],
                token,
            )
    taken = time.perf_counter() - began
    await connection.close()
    return BARE_RUNS / taken
