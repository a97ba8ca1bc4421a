"""The nodes of a cluster that load: each is asked whether it can, for it may have another dayfill, or none."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import ray
from ray.exceptions import RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from dayfill.cluster.loads import unfit
from dayfill.engine.away import VERSION

DOUBT_SECONDS = 60.0
"""All are asked again at most so often."""


@ray.remote(max_retries=0, num_cpus=0)  # it does not wait for slices
def greet(version: str) -> None:
    """Prepare a node for slices of a server with this version."""
    from dayfill.cluster.worker import prepare

    prepare(version)


class Nodes:
    """Those that have CPUs. For one thread, but for `doubt`."""

    def __init__(self) -> None:
        self._asked: dict[str, Future[None]] = {}
        self._doubted, self._may_ask_again = threading.Event(), time.monotonic() + DOUBT_SECONDS

    def doubt(self) -> None:
        """A worker could not begin, so what its node has said may be true no more."""
        self._doubted.set()

    def look(self) -> int:
        """How many CPUs there are; who has not been asked, is."""
        cpus = {one["NodeID"]: int(one["Resources"].get("CPU", 0)) for one in ray.nodes() if one["Alive"]}
        if self._doubted.is_set() and time.monotonic() > self._may_ask_again:
            self._doubted.clear()
            self._may_ask_again = time.monotonic() + DOUBT_SECONDS
            self._asked.clear()
        self._asked = {node: asked for node, asked in self._asked.items() if cpus.get(node) and not _is_lost(asked)}
        for node in cpus:
            if cpus[node] and node not in self._asked:
                self._asked[node] = _ask(node)
        return sum(cpus.values())

    @property
    def can_load(self) -> bool:
        """Whether one has said that it can."""
        return any(asked.done() and asked.exception() is None for asked in self._asked.values())

    @property
    def why_not(self) -> str:
        """Why none of them can; empty if one can, or may."""
        errors = [asked.exception() if asked.done() else None for asked in self._asked.values()]
        reasons = [unfit(error) for error in errors if isinstance(error, RayTaskError)]
        return " ".join(dict.fromkeys(reasons)) if len(reasons) == len(errors) else ""


def _ask(node: str) -> Future[None]:
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    asked: Future[None] = greet.options(scheduling_strategy=there).remote(VERSION).future()
    return asked


def _is_lost(asked: Future[None]) -> bool:
    """Whether its worker broke off, and nobody knows."""
    return asked.done() and not isinstance(asked.exception(), RayTaskError | None)
