"""Slices under way on a Ray cluster: a task for each, or one task for several while they are quick.

A task costs the cluster about a millisecond: nothing beside a slice of a second, and more than one that takes less.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from dayfill import __version__
from dayfill.errors import SetupError
from dayfill.executors.frames import Order, Told

SLICES_PER_CPU = 2
"""One that runs and one that waits at its door: more would only be out of reach of a cancel or of something urgent."""
AHEAD_SECONDS, MOST_PER_CPU = 0.25, 16
"""While slices are quick, more may wait: as many as were lately done in that time."""
TASK_SECONDS, MOST_TOGETHER = 0.02, 16
"""Slices that take no longer than this together share a task."""
BEGIN_SECONDS = 1.0
"""A task that has taken so long begins no further slice; others take what is left."""
STUCK_SECONDS = 3.0
"""A task of several slices that takes so long is ended: one of them holds up the others."""
CAREFUL_SECONDS = 60.0
"""After a task of several slices was lost, each has a task of its own for so long, so that the guilty one is found."""

Answer = tuple[list[bytes], float]
"""Of the slices that were begun, which come first, and the seconds that they took."""


@ray.remote(max_retries=0, retry_exceptions=False)
def load(jobs: list[bytes]) -> Answer:
    """Slices one after the other, in a worker.

    Ray's own retries would run one fence token twice and hide what kills a worker.
    """
    from dayfill.cluster.worker import load as load_here

    began, answers = time.monotonic(), []
    for job in jobs:
        answers.append(load_here(job))
        if time.monotonic() > began + BEGIN_SECONDS:
            break
    return answers, time.monotonic() - began


@dataclass(eq=False, slots=True)
class Task:
    """Jobs by the number that the server gave. began: monotonic seconds. unwanted: numbers of those to be cancelled."""

    jobs: dict[int, bytes]
    ref: Any
    began: float
    unwanted: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Ended:
    """A task has answered, or will never."""

    task: Task
    done: Future[Answer]


Event = Order | Ended | int
"""From the server; from the cluster; or how many CPUs it has."""


class Loads:
    """For one thread. ended: called on any thread when a task has ended. doubt: called if a worker could not begin."""

    def __init__(self, ended: Callable[[Ended], None], doubt: Callable[[], None]) -> None:
        self._ended, self._doubt = ended, doubt
        self._waiting: dict[int, bytes] = {}
        self._tasks: dict[int, Task] = {}
        """By the number of each of their jobs."""
        self._open, self._cpus, self._answers = 0, 0, 0
        self._each = TASK_SECONDS
        """What a slice has lately taken."""
        self._looked = self._careful_until = time.monotonic()

    def meet(self, events: Sequence[Event]) -> list[Told]:
        """Take what has come and hand out what can go; returns what there is to tell."""
        told: list[Told] = []
        for event in events:
            if isinstance(event, Ended):
                told += self._end(event.task, event.done)
            elif isinstance(event, int):
                told.append(self._look(event))
            elif event.job is not None:
                self._waiting[event.number] = event.job
            elif self._waiting.pop(event.number, None) is not None:
                told.append(Told("cancelled", event.number))
            elif (task := self._tasks.get(event.number)) is not None:  # else it has ended meanwhile
                task.unwanted.add(event.number)
                _end_worker(task)
        self._hand_out()
        return told

    def _look(self, cpus: int) -> Told:
        """How much the cluster takes, by its size and by what it does in a moment; what is stuck is ended."""
        now = time.monotonic()
        ahead = int(self._answers / (now - self._looked) * AHEAD_SECONDS)
        self._cpus, self._answers, self._looked = cpus, 0, now
        for task in {id(task): task for task in self._tasks.values()}.values():
            if len(task.jobs) > 1 and now - task.began > STUCK_SECONDS:
                _end_worker(task)
        return Told("slots", min(SLICES_PER_CPU * cpus + ahead, MOST_PER_CPU * cpus))

    def _hand_out(self) -> None:
        while self._waiting and (free := SLICES_PER_CPU * self._cpus - self._open) > 0:
            jobs = dict(islice(self._waiting.items(), self._share(free)))
            task = Task(jobs, load.remote(list(jobs.values())), time.monotonic())
            self._open += 1
            for number in jobs:
                del self._waiting[number]
                self._tasks[number] = task
            task.ref.future().add_done_callback(lambda done, task=task: self._ended(Ended(task, done)))

    def _share(self, free: int) -> int:
        """How many of those that wait the next of so many tasks takes."""
        if time.monotonic() < self._careful_until:
            return 1
        return max(1, int(TASK_SECONDS / self._each), -(-len(self._waiting) // free))

    def _end(self, task: Task, done: Future[Answer]) -> list[Told]:
        self._open -= 1
        for number in task.jobs:
            del self._tasks[number]
        error = None if done.cancelled() else done.exception()
        if error is None and not done.cancelled():
            return self._answered(task, *done.result())
        if isinstance(error, RayTaskError):
            self._doubt()
        elif len(task.jobs) > 1:
            self._careful_until = time.monotonic() + CAREFUL_SECONDS
            return [Told("cancelled" if number in task.unwanted else "again", number) for number in task.jobs]
        return [_broken(number, error) for number in task.jobs]

    def _answered(self, task: Task, answers: list[bytes], seconds: float) -> list[Told]:
        begun = len(answers)
        self._answers += begun
        self._each = max((self._each + seconds / begun) / 2, TASK_SECONDS / MOST_TOGETHER)
        self._waiting = dict(islice(task.jobs.items(), begun, None)) | self._waiting
        return [Told("done", number, answer) for number, answer in zip(task.jobs, answers, strict=False)]


def _broken(number: int, error: BaseException | None) -> Told:
    """What became of a job without an answer. error: None if it was cancelled."""
    if error is None or isinstance(error, TaskCancelledError):
        return Told("cancelled", number)
    if isinstance(error, RayTaskError):  # the load itself is total, so the worker could not begin
        return Told("unfit", number, text=unfit(error))
    return Told("lost" if isinstance(error, RayError) else "gone", number, text=last_line(error))


def unfit(error: RayTaskError) -> str:
    """What keeps a worker from loading, and what to do."""
    if isinstance(error.cause, SetupError):
        return str(error.cause)
    what = f"{type(error.cause).__name__}: {last_line(error.cause)}".removesuffix(".")
    return f"{what}. Install dayfill {__version__} on every node, as on the server."


def last_line(error: BaseException) -> str:
    """Ray writes whole traces into its errors; what went wrong stands at their end."""
    return (str(error).strip().splitlines() or [""])[-1]


def _end_worker(task: Task) -> None:
    with suppress(RayError):
        ray.cancel(task.ref, force=True)
