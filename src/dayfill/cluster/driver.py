"""The driver: hands jobs of one server to a Ray cluster, as a process of its own that the server starts and may lose.

Ray ends the process that it is used in when the cluster is gone, and unpickles what workers send; neither may happen to
a server. The two talk over a pair of pipes in frames, see `dayfill.executors.frames`. The address is the one argument.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from dayfill.executors.frames import Told, Wanted, Writer, frames

BEAT_SECONDS = 2.0
SLICES_PER_CPU = 2
"""One that runs and one that waits at its door: more would only be out of reach of a cancel or of something urgent."""


@ray.remote(max_retries=0, retry_exceptions=False)
def load(job: bytes) -> bytes:
    """One slice, in a worker: Ray's own retries would run one fence token twice and hide what kills a worker."""
    from dayfill.cluster.worker import load as load_here

    return load_here(job)


@ray.remote(max_retries=0)
def is_guarded() -> bool:
    """Whether the cluster asks whoever comes for its token, as its workers know."""
    return os.environ.get("RAY_AUTH_MODE") == "token"  # noqa: TID251  the environment of another machine


class Driver:
    """What is under way: references by the number that the server gave."""

    def __init__(self, told: Writer[Told]) -> None:
        self._told = told
        self._refs: dict[int, Any] = {}

    def beat(self) -> None:
        """Tell for ever that the cluster is there, and how much it takes."""
        while True:
            slots = int(ray.cluster_resources().get("CPU", 0)) * SLICES_PER_CPU
            self._told.write(Told("slots", slots))
            threading.Event().wait(BEAT_SECONDS)

    def take(self, wanted: Wanted) -> None:
        if wanted.job is None:
            with suppress(RayError, KeyError):  # it may have ended meanwhile
                ray.cancel(self._refs[wanted.number], force=True)
            return
        self._refs[wanted.number] = ref = load.remote(wanted.job)
        ref.future().add_done_callback(lambda done: self._end(wanted.number, done))

    def _end(self, number: int, done: Future[bytes]) -> None:
        self._refs.pop(number, None)
        self._told.write(_ending(number, done))


def _ending(number: int, done: Future[bytes]) -> Told:
    """What became of a job."""
    error = None if done.cancelled() else done.exception()
    if done.cancelled() or isinstance(error, TaskCancelledError):
        return Told("cancelled", number)
    if error is None:
        return Told("done", number, done.result())
    if isinstance(error, RayTaskError):  # the load itself is total, so the worker could not begin
        return Told("unfit", number, text=f"{type(error.cause).__name__}: {_last_line(error.cause)}")
    if isinstance(error, RayError):
        return Told("lost", number, text=_last_line(error))
    return Told("gone", number, text=_last_line(error))


def main() -> None:
    """Connect, say how much the cluster takes, then do what is asked until the server is gone."""
    told = Writer[Told](os.dup(1))
    os.dup2(2, 1)  # what Ray prints is for the log
    try:
        ray.init(sys.argv[1], log_to_driver=False, logging_level=logging.ERROR)
        if not ray.get(is_guarded.remote(), timeout=60):
            told.write(Told("refused", text="it does not ask for a token (RAY_AUTH_MODE=token on every node)"))
            return
    except Exception as error:
        told.write(Told("refused", text=f"{type(error).__name__}: {_last_line(error)}"))
        return
    driver = Driver(told)
    _beside(driver.beat)
    for wanted in frames(0, Wanted):
        driver.take(wanted)


def _last_line(error: BaseException) -> str:
    """Ray writes whole traces into its errors; what went wrong stands at their end."""
    return (str(error).strip().splitlines() or [""])[-1]


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
