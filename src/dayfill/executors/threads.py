"""Runs slices on threads of this process: the default, and the only one for destinations that a process must own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from dayfill.executors import Job, Result


class ThreadsExecutor:
    """A thread for each slot, made when it is needed, and as many again in place of those that hang."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._pool = ThreadPoolExecutor(2 * slots, "load")

    def submit(self, run: Callable[[Job], Result], job: Job) -> Future[Result]:
        return self._pool.submit(run, job)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
