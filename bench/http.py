"""The wire: creating and reading backfills, beside static bytes of bare uvicorn; an idle server."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import httpx
import psutil

from bench.client import Load, load
from bench.table import Figure

REQUESTS, CONNECTIONS, ROUNDS = 8_000, 16, 5
SETTLE_SECONDS = 2
"""After the loads the warehouse closes, and memory goes back."""
CREATES = 25
LAST = date(2020, 1, 1)


@dataclass(frozen=True, slots=True)
class Process:
    """A server process of this measurement."""

    port: int
    pid: int
    api_key: str = ""
    team_id: int = 0
    transfer_id: int = 0

    def cpu(self) -> float:
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def megabytes(self) -> float:
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/teams/{self.team_id}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.base, headers={"Authorization": f"Bearer {self.api_key}"}, timeout=60)


@contextmanager
def started(*arguments: str, module: str = "bench.server") -> Iterator[Process]:
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield Process(**json.loads(process.stdout.readline()))
        finally:
            process.terminate()


async def measure(folder: Path, parquet: Path) -> list[Figure]:
    """``parquet``: the 1,827 thousand-row days of `bench.days`."""
    with started("dayfill", str(folder), str(parquet)) as server:
        idle = _idle(server)
        creates = {days: _creates(server, days) for days in (10, 3_650, 10_000)}
        short, long = _ended(server, 10), _ended(server, 10_000)
        with started("static", str(len(_get(server, short).content))) as static:
            ceiling, of_short, of_long = await _in_turn(server, static, short, long)
        busy = await _while_busy(server, long)
    return [
        *_create_figures(creates),
        Figure("GET backfill, requests/s", of_short[0], ceiling[0], "r/s", "r/s, static bytes", 0.35, True,
               f"CPU {of_short[1]:.0f} µs against {ceiling[1]:.0f} µs"),
        Figure("GET of a 10,000-day backfill", of_long[1], of_short[1], "µs CPU", "µs CPU, of a 10-day one", 1.2),
        Figure("GET p99 while a backfill runs flat out", busy.quantile(0.99) * 1e3, 25, "ms", "ms allowed", 1,
               note=f"median {busy.quantile(0.5) * 1e3:.2g} ms"),
        Figure("idle memory", idle[0], 150, "MB", "MB allowed", 1),
        Figure("idle CPU", idle[1], 1, "%", "% allowed", 1),
    ]  # fmt: skip


def _create_figures(creates: dict[int, list[float]]) -> list[Figure]:
    short = _middle(creates[10])
    return [
        Figure(f"create a backfill of {days:,} days", _middle(taken), short, "ms", "ms, of 10 days", 1.2,
               note=f"p95 {sorted(taken)[int(len(taken) * 0.95)] * 1e3:.3g} ms")
        for days, taken in creates.items() if days > 10
    ]  # fmt: skip


def _middle(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1e3


def _idle(server: Process) -> tuple[float, float]:
    """Megabytes, and percent of one core over five seconds in which nothing is asked."""
    time.sleep(2)
    before = server.cpu()
    time.sleep(5)
    return server.megabytes(), (server.cpu() - before) / 5 * 100


def _creates(server: Process, days: int) -> list[float]:
    """Seconds of each create. A small one precedes it, since the write after a large one also restarts SQLite's log."""
    with server.client() as client:
        seconds = [
            (_create_and_cancel(server, client, 1), _create_and_cancel(server, client, days)) for _ in range(CREATES)
        ]
    return [of_days for _, of_days in seconds]


def _create_and_cancel(server: Process, client: httpx.Client, days: int) -> float:
    """Seconds of the create; it is cancelled, and settled, at the return."""
    body = {"range_start": str(LAST - timedelta(days=days - 1)), "range_end": str(LAST)}
    began = time.perf_counter()
    answer = client.post(f"/transfers/{server.transfer_id}/backfills", json=body)
    taken = time.perf_counter() - began
    backfill = answer.raise_for_status().json()["data"]["transfer_backfill_id"]
    client.patch(f"/backfills/{backfill}", json={"status": "CANCELLED"})
    while client.get(f"/backfills/{backfill}").json()["data"]["x"]["runs_running"]:
        time.sleep(0.01)
    return taken


def _ended(server: Process, days: int, status: str = "COMPLETED") -> int:
    backfill = _created(server, LAST - timedelta(days=days - 1), LAST)
    while _get(server, backfill).json()["data"]["status"] != status:
        time.sleep(0.05)
    return backfill


def _created(server: Process, first: date, last: date) -> int:
    body = {"range_start": str(first), "range_end": str(last)}
    with server.client() as client:
        answer = client.post(f"/transfers/{server.transfer_id}/backfills", json=body)
    return int(answer.raise_for_status().json()["data"]["transfer_backfill_id"])


def _get(server: Process, backfill: int) -> httpx.Response:
    with server.client() as client:
        return client.get(f"/backfills/{backfill}").raise_for_status()


async def _in_turn(server: Process, static: Process, short: int, long: int) -> list[tuple[float, float]]:
    """Static bytes, a short and a long backfill, one after the other in each round: the medians of both figures."""
    await asyncio.sleep(SETTLE_SECONDS)
    rounds = [
        [
            await _loaded(static, "/", None),
            await _loaded(server, f"/teams/{server.team_id}/backfills/{short}", server.api_key),
            await _loaded(server, f"/teams/{server.team_id}/backfills/{long}", server.api_key),
        ]
        for _ in range(ROUNDS)
    ]
    return [
        (statistics.median(rate for rate, _ in taken), statistics.median(cpu for _, cpu in taken))
        for taken in zip(*rounds, strict=True)
    ]


async def _loaded(server: Process, path: str, key: str | None) -> tuple[float, float]:
    """Requests per second, and CPU microseconds of the server for each."""
    await load(server.port, path, key, requests=500, connections=CONNECTIONS)
    before = server.cpu()
    taken = await load(server.port, path, key, requests=REQUESTS, connections=CONNECTIONS)
    return REQUESTS / taken.seconds, (server.cpu() - before) / REQUESTS * 1e6


async def _while_busy(server: Process, backfill: int) -> Load:
    """Reads one after the other while 1,827 thousand-row days are loaded by the same process."""
    running = await asyncio.to_thread(_created, server, date(2019, 1, 1), date(2024, 1, 1))
    path = f"/teams/{server.team_id}/backfills/{backfill}"
    latencies: list[float] = []
    while (await asyncio.to_thread(_get, server, running)).json()["data"]["status"] not in ("COMPLETED", "FAILED"):
        latencies += (await load(server.port, path, server.api_key, requests=50, connections=1)).latencies
    return Load(0.0, sorted(latencies))
