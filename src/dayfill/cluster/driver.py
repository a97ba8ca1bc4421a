"""The driver: hands jobs of one server to a Ray cluster, as a process of its own that the server starts and may lose.

Ray ends the process that it is used in when the cluster is gone, and unpickles what workers send; neither may happen to
a server. The two talk over a pair of pipes in frames, see `dayfill.executors.frames`. The address is the one argument.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

import ray

from dayfill.cluster import token
from dayfill.cluster.loads import Event, Loads, last_line
from dayfill.cluster.nodes import Nodes
from dayfill.executors.frames import Order, Told, Writer, frames, taken

BEAT_SECONDS = 1.0
ANSWER_SECONDS = 50.0
"""Beside much else a worker may take half a minute to start."""


def work(events: SimpleQueue[Event], told: Writer[Told], nodes: Nodes) -> None:
    """Do for ever what the events ask for, and tell what became of it."""
    loads = Loads(events.put, nodes.doubt)
    while True:
        told.write(*loads.meet(taken(events)))


def beat(events: SimpleQueue[Event], told: Writer[Told], nodes: Nodes) -> None:
    """Ask how much the cluster takes, from when a node has said that it can load, until none can."""
    cpus, until = nodes.look(), time.monotonic() + ANSWER_SECONDS
    while not (nodes.can_load or nodes.why_not):
        if time.monotonic() > until:
            return refuse(told, Told("refused", text=f"no node has said within {ANSWER_SECONDS:g} s that it can load"))
        time.sleep(0.02)
        cpus = nodes.look()
    while not (why := nodes.why_not):
        events.put(cpus)
        time.sleep(BEAT_SECONDS)
        cpus = nodes.look()
    refuse(told, Told("unusable", text=f"none of its nodes can load. {why}"))


def refuse(told: Writer[Told], why: Told) -> None:
    """Say why the cluster cannot be used, if the server is still there to hear it."""
    with suppress(OSError):
        told.write(why)


def not_reached(error: Exception) -> Told:
    """What Ray's error means. What it met stands in another one, behind an error that says only that there was one."""
    met = error.__cause__ or error
    if str(met).startswith("Version mismatch"):
        return Told("unusable", text=f"{' '.join(str(met).split())}. Install the same Ray and Python on all of them.")
    return Told("refused", text=f"{type(met).__name__}: {last_line(met)}")


def main() -> None:
    """Connect, say how much the cluster takes, then do what is asked until the server is gone."""
    told = Writer[Told](os.dup(1))
    os.dup2(2, 1)  # what Ray prints is for the log
    try:
        if token.is_refused(sys.argv[1]):
            return refuse(told, Told("unusable", text=token.REFUSED))
        ray.init(sys.argv[1], log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        return refuse(told, not_reached(error))
    events, nodes = SimpleQueue[Event](), Nodes()
    _beside(lambda: beat(events, told, nodes))
    _beside(lambda: work(events, told, nodes))
    for order in frames(0, Order):
        events.put(order)


def _beside(work: Callable[[], None]) -> None:
    """Do this on a thread; when it fails, so does the process."""

    def run() -> None:
        try:
            work()
        finally:
            os._exit(1)

    threading.Thread(target=run, daemon=True).start()


if __name__ == "__main__":
    main()
    os._exit(0)  # not by a return: Ray would wait for a cluster that may be gone
