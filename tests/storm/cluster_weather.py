"""What happens to several servers and the Ray cluster that loads for them: its workers and nodes die too."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import psutil
from arena import LONG_DEADLINE, Arena
from ray_cluster import RayCluster, kill, name_of
from sabotage import TOLD, Sabotage
from servers import PATIENCE, Server, Template
from shared_arena import of_several_servers
from shared_weather import QUICK, SharedWeather
from stamped import Habits
from weather import Tally, moody

from dayfill.domain.run import FIRST_BACKOFF
from postgres_server import PostgresServer

DRIVER = "dayfill.cluster.driver"
GRACE = 2.0
"""Seconds after a deadline: an answer passes through two more processes."""
LOADED_AGAIN = 45.0
"""Seconds that the days of whatever was killed are waited for."""
IN_FAIR_WEATHER = 240.0
NODE_CPUS = 2

HELD = "SELECT run_id, transfer_id, data_date, token FROM runs WHERE status = 'RUNNING'"
NOW = "SELECT status, cause, token FROM runs WHERE run_id = ?"
Run = tuple[int, int]
"""Its id, and the token of the attempt that was lost."""
NO_FAULT_OF_ITS_OWN = (None, "LOST", "CLUSTER")


@dataclass
class ClusterWeather(SharedWeather):
    """node: processes of the second node; the first has the head and one CPU."""

    cluster: RayCluster = field(kw_only=True)
    node: set[int] = field(default_factory=set)
    events: ClassVar[dict[str, int]] = {
        **{"kill_leader": 2, "kill_any": 1, "overtake": 2, "stop": 1, "restart": 2},
        **{"kill_worker": 5, "kill_node": 2, "kill_driver": 1},
    }

    # -- what happens

    def kill_worker(self) -> None:
        """One in the middle of a load."""
        self.let_some_load()
        busy = self.busy()
        if chosen := [one for one in busy if self.held({one.pid})] or busy:
            self.lose("workers", [self.chance.choice(chosen)])

    def kill_node(self) -> None:
        """The second node loses its raylet, or all at once; then it is started again."""
        self.let_some_load()
        raylets = [one for one in self.node_processes() if name_of(one) == "raylet"]
        if raylets:  # else Ray has given the node up: a busy machine holds up its sign of life
            workers = [one for one in self.busy() if parent_of(one) == raylets[0].pid]
            is_all = self.chance.random() < 0.5
            self.lose("nodes", [*raylets, *workers, *self.node_processes()] if is_all else raylets, of=workers)
        for one in self.node_processes():
            kill(one.pid)
        self.join()

    def kill_driver(self) -> None:
        """What hands slices of the server that dispatches to the cluster."""
        self.let_some_load()
        leader = self.leader()
        if leader is not None and (driver := self.driver(leader)) is not None:
            self.lose("drivers", [driver], of=self.busy())

    def overtake(self) -> None:
        """The server that dispatches stands still, and so does one of its workers; others have their places and days.

        Both: a worker goes on while its server stands still, and would have loaded its day long before the next one.
        """
        leader = self.who_leads()
        self.let_load(leader)
        busy = [one for one in self.busy() if self.held({one.pid})]
        if not busy:
            return
        worker, stopped_at = self.chance.choice(busy), time.time()
        with self.stopped(leader):
            with frozen(worker):
                held = self.held({worker.pid})
                self.successor(leader, stopped_at)
                self.tally.counts["overtaken"] += bool(list(self.loaded_again(held, time.monotonic())))
            self.until_through(worker)  # what it was loading comes too late
        self.black_out()

    # -- how

    def until_through(self, worker: psutil.Process) -> None:
        """Wait until it has ended, or what it did."""
        end = time.monotonic() + PATIENCE
        while name_of(worker) == "ray::load" and time.monotonic() < end:
            time.sleep(0.02)

    def let_some_load(self) -> None:
        if (leader := self.leader()) is not None:
            self.let_load(leader)

    def join(self) -> None:
        found = {pid for pid in self.cluster.join(NODE_CPUS) if psutil.pid_exists(pid)}
        self.node = found - {one.pid for one in self.cluster.workers()}

    def node_processes(self) -> list[psutil.Process]:
        return [one for one in self.cluster.processes() if one.pid in self.node]

    def busy(self) -> list[psutil.Process]:
        return [one for one in self.cluster.workers() if name_of(one) == "ray::load"]

    def driver(self, server: Server) -> psutil.Process | None:
        with suppress(psutil.NoSuchProcess):
            return next((one for one in psutil.Process(server.pid).children() if DRIVER in one.cmdline()), None)
        return None

    def lose(self, kind: str, killed: Sequence[psutil.Process], of: Sequence[psutil.Process] | None = None) -> None:
        """Kill them; mostly what they, or those of whom they are the node, were loading is waited for."""
        held = self.held({one.pid for one in (killed if of is None else of)})
        at = time.monotonic()
        for one in killed:
            kill(one.pid)
        self.tally.counts[kind] += 1
        if held and self.chance.random() < 0.7:
            self.tally.to_loaded[kind] += self.loaded_again(held, at)

    def held(self, pids: set[int]) -> list[Run]:
        """What these processes are loading, as far as they have begun to read."""
        last: dict[int, dict[str, Any]] = {}
        for event in self.arena.events():
            if event["what"] == "read" and event["pid"] in pids:
                last[event["pid"]] = event
        transfers = {name: id_ for id_, names in self.arena.tables.items() for name in names}
        read = {(transfers[event["table"]], day) for event in last.values() for day in event["days"]}
        return [(run_id, token) for run_id, *day, token in self.arena.rows(HELD) if tuple(day) in read]

    def loaded_again(self, held: Sequence[Run], since: float) -> Iterator[float]:
        """Seconds until each is loaded by its next attempt; none of those that something else has happened to."""
        left = dict(held)
        while left and time.monotonic() < since + LOADED_AGAIN:
            for run_id, lost in list(left.items()):
                ((status, cause, token),) = self.arena.rows(NOW, run_id)
                if status == "COMPLETED" and token > lost:
                    yield time.monotonic() - since
                if not (status == "RUNNING" or (status == "QUEUED" and cause in NO_FAULT_OF_ITS_OWN)):
                    del left[run_id]
            time.sleep(0.02)
        self.tally.counts["not loaded again in time"] += len(left)

    def loads_for(self, leader: Server, pid: int) -> bool:
        return pid not in {one.pid for one in self.fleet.values()}

    def until_quiet(self) -> None:
        end = time.monotonic() + PATIENCE
        while busy := self.busy():
            assert time.monotonic() < end, f"workers go on although their server is dead: {busy}"
            time.sleep(0.02)
        super().until_quiet()

    def mood(self) -> Sabotage:
        return Sabotage(self.habits(), self.is_fenced, grace=GRACE, backoff=FIRST_BACKOFF.total_seconds(), **QUICK)

    def habits(self) -> Habits:
        return moody(self.arena, self.chance)


@contextmanager
def frozen(process: psutil.Process) -> Iterator[None]:
    """It stands still as long as the block lasts."""
    with suppress(psutil.NoSuchProcess):
        process.suspend()
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def parent_of(process: psutil.Process) -> int:
    """Who has started it; 0 if it is dead."""
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return 0


@contextmanager
def in_cluster_weather(
    folder: Path, template: Template, chance: Random, tally: Tally, is_fenced: bool
) -> Iterator[SharedWeather]:
    """Servers that let a cluster of two nodes load; what goes into a DuckDB file they load themselves."""
    cluster = RayCluster()

    def make(place: Arena, postgres: PostgresServer) -> ClusterWeather:
        given = (place, template, postgres, chance, tally, is_fenced)
        settings = {
            "DAYFILL_EXECUTOR": cluster.address,
            "RAY_AUTH_TOKEN": cluster.token,
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        weather = ClusterWeather(*given, patience=IN_FAIR_WEATHER, settings=settings, cluster=cluster)
        worker = Sabotage(replace(weather.habits(), delay=0.5), is_fenced, naps=0.08)
        cluster.told = {TOLD: worker.words, "RAY_worker_niceness": "0"}  # a busy machine would leave them nothing
        cluster.start(cpus=1)
        weather.join()
        return weather

    try:
        with of_several_servers(folder, make, LONG_DEADLINE, beside=[("STAMPED", LONG_DEADLINE)]) as weather:
            yield weather
    finally:
        cluster.end()
