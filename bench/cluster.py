"""Days that do nothing, on a Ray cluster of this machine, against Ray tasks that do nothing, in the same cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from secrets import token_hex
from unittest.mock import patch

import apsw

from bench.table import Figure
from bench.world import World, dispatching, world
from dayfill.domain.days import DayRange
from dayfill.domain.installation import STATE_FILE
from dayfill.engine import budgets, offers
from dayfill.engine.away import Away
from dayfill.engine.dispatch import Dispatcher
from dayfill.executors.ray import RayExecutor
from dayfill.executors.threads import ThreadsExecutor
from dayfill.settings.cluster import cluster_of

CPUS, TASKS, DAYS = 8, 2_000, 10_000
"""Logical CPUs: Ray's own tasks are counted with so many too."""
_BARE = """
import sys, time, ray
ray.init(sys.argv[1], log_to_driver=False, logging_level=40)
task = ray.remote(max_retries=0)(lambda job: job)
ray.get([task.remote(b"x" * 1000) for _ in range(200)])
began = time.perf_counter()
ray.get([task.remote(b"x" * 1000) for _ in range(int(sys.argv[2]))])
print(time.perf_counter() - began)
"""


async def measure(folder: Path) -> list[Figure]:
    with _cluster() as environment:
        bare = TASKS / _bare(environment)
        singly = await _dispatched(folder, environment, most_days=1, days=2_000)
        in_slices = await _dispatched(folder, environment, most_days=budgets.MAX_SLICE_DAYS, days=DAYS)
    anchor = "tasks/s, bare Ray no-op"
    return [
        Figure("no-op days on Ray, one a slice", singly, bare, "days/s", anchor, 0.7, True),
        Figure("no-op days on Ray, in slices", in_slices, bare, "days/s", anchor, 5.0, True),
    ]


@contextmanager
def _cluster() -> Iterator[Mapping[str, str]]:
    """A head for as long as the block lasts; yields the environment of its drivers."""
    folder = tempfile.mkdtemp(prefix="df-", dir="/tmp")  # sockets want a short name
    ours = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    environment = {**os.environ, **ours, "PYTHONPATH": str(Path(__file__).with_name("site")), "TMPDIR": folder}
    words = ["start", "--head", "--block", "--port=0", f"--num-cpus={CPUS}", f"--temp-dir={folder}"]
    words += ["--include-dashboard=false", "--object-store-memory=80000000", "--disable-usage-stats"]
    ray = str(Path(sys.executable).with_name("ray"))
    with subprocess.Popen([ray, *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as head:
        try:
            yield environment | {"RAY_ADDRESS": _address(Path(folder))}
        finally:
            head.terminate()
            head.wait(30)
            shutil.rmtree(folder, ignore_errors=True)


def _address(folder: Path) -> str:
    """Where the head listens, once it says so."""
    end = time.monotonic() + 90
    while not (found := folder / "ray_current_cluster").exists():
        assert time.monotonic() < end, "the head does not start"
        time.sleep(0.1)
    return found.read_text().strip()


def _bare(environment: Mapping[str, str]) -> float:
    command = [sys.executable, "-c", _BARE, environment["RAY_ADDRESS"], str(TASKS)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


async def _dispatched(folder: Path, environment: Mapping[str, str], most_days: int, days: int) -> float:
    """Days a second; the cluster loads every slice, whatever its destination is, as many at once as of four logins."""
    settings = cluster_of(f"ray:{environment['RAY_ADDRESS']}", environment)
    assert settings is not None
    source = {"path": str(folder / "none.csv"), "date_column": "day", "parallelism": 32}
    all_away = patch.object(offers, offers.is_away.__name__, lambda job: True)
    with all_away, patch.object(budgets, "MAX_SLICE_DAYS", most_days):
        async with world(Path(tempfile.mkdtemp(dir=folder)), source) as here:
            with closing(apsw.Connection(str(here.state.data_dir / STATE_FILE))) as con:
                con.execute("UPDATE connections SET parallelism = 32")
            away = Away(RayExecutor(settings.address, settings.environment, here.state.seams.now), settings.token)
            async with dispatching(here.state, ThreadsExecutor(1), away) as dispatcher:
                await _loaded(here, dispatcher, days)  # until every worker has started and slices have their size
                began = time.perf_counter()
                await _loaded(here, dispatcher, days)
                return days / (time.perf_counter() - began)


async def _loaded(here: World, dispatcher: Dispatcher, days: int) -> None:
    last = date(2020, 1, 1)
    backfill = await here.backfill(DayRange(last - timedelta(days=days - 1), last))
    dispatcher.wake()
    ended = await here.ended(backfill.backfill_id)
    assert ended.completed == days
