"""How soon the days of a killed worker of a Ray cluster are loaded again; run it by hand.

Three servers on one PostgreSQL and a cluster of one node, with the product's own waits. Again and again a worker is
killed in the middle of a day, and every step to that day's next load is timed. Then all days are loaded and everything
is compared. Exit code 1 if a day takes longer than it may, or if anything is wrong.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "cluster")]

import arena
from arena import LONG_DEADLINE, Arena
from cluster_weather import ClusterWeather, Run
from ray_cluster import RayCluster, kill
from sabotage import TOLD, Sabotage
from servers import template
from shared_arena import of_several_servers
from stamped import Habits
from weather import Tally

from dayfill.domain.run import FIRST_BACKOFF
from postgres_server import PostgresServer

LOADED_WITHIN = 5.0
PATIENCE = 120.0
DELAY = 0.5
"""The longest time that a day takes to read, in seconds: it is killed in the middle of that."""
STEPS = "queued_time", "started_time", "ended_time"


@dataclass(frozen=True)
class Again:
    """Seconds from the death of a worker to each step of its day's next attempt. is_fresh: by a worker that is new."""

    queued: float
    claimed: float
    read: float
    loaded: float
    is_fresh: bool

    def __str__(self) -> str:
        steps = f"queued {self.queued:.2f}, claimed {self.claimed:.2f}, read {self.read:.2f}, loaded {self.loaded:.2f}"
        return f"{steps} s, by {'a new' if self.is_fresh else 'another'} worker"


@dataclass
class Losses(ClusterWeather):
    """A cluster that nothing happens to but what is measured."""

    def calmness(self) -> Sabotage:
        habits = Habits(trace=str(self.arena.trace))
        return Sabotage(habits, grace=30.0, backoff=FIRST_BACKOFF.total_seconds())

    def after(self) -> Iterator[Again]:
        """Kill one worker that loads; what became of each of its days."""
        self.fill(is_calm=True)
        end = time.monotonic() + PATIENCE
        while True:
            self.let_many_load()
            for one in self.busy():
                if held := self.held({one.pid}):
                    there, at = {worker.pid for worker in self.cluster.workers()}, time.time()
                    kill(one.pid)
                    self.tally.counts["workers"] += 1
                    yield from (self.again(run, at, there) for run in held)
                    return
            assert time.monotonic() < end, "no worker loads"

    def let_many_load(self) -> None:
        """Ask for all days once none is left: one that was asked for twice meanwhile would not be tried again."""
        if not self.caller.waiting():
            (transfer_id,) = self.arena.side_by_side()
            dates = [str(arena.day(number)) for number in range(self.arena.days)]
            self.arena.call("POST", f"/x/v1~/transfers/{transfer_id}/runs", {"dates": dates})

    def again(self, run: Run, at: float, there: set[int]) -> Again:
        (run_id, lost), end = run, time.monotonic() + PATIENCE
        query = f"SELECT status, token, data_date, {', '.join(STEPS)} FROM runs WHERE run_id = ?"
        while True:
            ((status, token, day, *moments),) = self.arena.rows(query, run_id)
            if status == "COMPLETED" and token > lost:
                break
            assert time.monotonic() < end, f"run {run_id} is {status}"
            time.sleep(0.01)
        queued, claimed, loaded = (moment / 1e6 - at for moment in moments)
        reads = (event for event in self.arena.events() if event["what"] == "read" and day in event["days"])
        read = next(event for event in reads if event["at"] > at + claimed)
        return Again(queued, claimed, read["at"] - at, loaded, read["pid"] not in there)


def lost(folder: Path, kills: int) -> tuple[list[Again], Tally]:
    found, tally, cluster = list[Again](), Tally(), RayCluster()

    def make(place: Arena, postgres: PostgresServer) -> Losses:
        settings = {"DAYFILL_EXECUTOR": cluster.address, "RAY_AUTH_TOKEN": cluster.token}
        settings |= {"RAY_USAGE_STATS_ENABLED": "0"}
        weather = Losses(place, made, postgres, Random(1), tally, patience=PATIENCE, settings=settings, cluster=cluster)
        cluster.told = {TOLD: Sabotage(Habits(trace=str(place.trace), delay=DELAY)).words, "RAY_worker_niceness": "0"}
        cluster.start()
        return weather

    try:
        with template() as made, of_several_servers(folder, make, LONG_DEADLINE) as weather:
            assert isinstance(weather, Losses)
            for _ in range(kills):
                for again in weather.after():
                    found.append(again)
                    sys.stderr.write(f"{again}; load {os.getloadavg()[0]:.1f}\n")
            weather.calm()
    finally:
        cluster.end()
    return found, tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dayfill-lost-workers-"))
    try:
        found, tally = lost(folder / "arena", given.kills)
    finally:
        shutil.rmtree(folder)
    took = [one.loaded for one in found]
    sys.stdout.write(
        f"{len(took)} days of killed workers: loaded again after {statistics.median(took):.1f} s in the median, at most"
        f" {max(took):.1f} s (at most {LOADED_WITHIN:g})\n"
    )
    compared = tally.findings
    sys.stdout.write(f"days compared {compared.days}, rows {compared.rows}, findings {len(compared.wrong)}\n")
    sys.stdout.writelines(f"{kind}: {what}\n" for kind, what in compared.wrong)
    return 0 if max(took) <= LOADED_WITHIN and not compared.wrong else 1


if __name__ == "__main__":
    sys.exit(main())
