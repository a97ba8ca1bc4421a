"""Slices that were handed out, until they answer or nobody waits for them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass

import structlog

from dayfill.domain.run import Failure
from dayfill.domain.slices import DayResult, Slice
from dayfill.engine.budgets import Budgets
from dayfill.engine.claim import Claimed
from dayfill.engine.claimer import Claimer
from dayfill.engine.rescue import broken, lost
from dayfill.engine.work import Work
from dayfill.seams import Seams

GRACE_SECONDS = 30.0
"""After its deadline a slice has this long to answer before its days are given to somebody else."""

log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class Flight:
    """A slice under way. began, overdue: monotonic seconds; after the second nobody waits for it any more."""

    claimed: Claimed
    future: Future[list[DayResult]]
    began: float
    overdue: float
    given_up: bool = False

    @property
    def work(self) -> Slice:
        return self.claimed.work

    def lost(self, failure: Failure) -> list[DayResult]:
        """The results of its days if it will never answer."""
        return [lost(order, failure) for order in self.work.days]


class Flights:
    """All of one dispatcher. For one event loop, where slices land.

    landed: results for the next recording, each with the connection that it ran on (None: nobody answered).
    changed: called when one has landed.
    """

    def __init__(self, seams: Seams, claimer: Claimer, work: Work, changed: Callable[[], None]) -> None:
        self._seams, self._claimer, self._work, self._changed = seams, claimer, work, changed
        self._all: set[Flight] = set()
        self.landed: list[tuple[DayResult, int | None]] = []

    def __len__(self) -> int:
        return len(self._all)

    @property
    def awaited(self) -> list[Flight]:
        return [flight for flight in self._all if not flight.given_up]

    def known_tokens(self) -> set[int]:
        """Of the runs that somebody works on, or whose result is here."""
        known = {result.token for result, _ in self.landed}
        return known | {order.token for flight in self._all for order in flight.work.days}

    def add(self, claimed: Claimed, future: Future[list[DayResult]], began: float) -> None:
        """A slice was handed out, and takes its part of the budgets."""
        flight = Flight(claimed, future, began, began + claimed.work.deadline_seconds + GRACE_SECONDS)
        self._all.add(flight)
        self._budgets.in_flight.add(claimed.work.transfer_id, claimed.connection_id, claimed.trials, claimed.away)
        if claimed.per_minute is not None:
            self._budgets.ask(claimed.connection_id, claimed.calls, claimed.per_minute, began)
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda done: loop.call_soon_threadsafe(self._land, flight, done))

    @property
    def _budgets(self) -> Budgets:
        return self._claimer.budgets

    def _land(self, flight: Flight, future: Future[list[DayResult]]) -> None:
        """The slice has answered, in time or not; its thread is free now."""
        self._all.discard(flight)
        self._changed()
        if flight.given_up:
            self._budgets.hung[flight.work.transfer_id] -= 1
            self._work.late += len(flight.work.days)
            return
        self._give_back(flight)
        error = CancelledError() if future.cancelled() else future.exception()
        if error is None:
            self._take(flight, future.result(), flight.claimed.connection_id)
        else:  # also a SystemExit or a panic of native code: it must end the slice, not the event loop
            log.error("executor_failed", transfer_id=flight.work.transfer_id, error=repr(error))
            self._take(flight, flight.lost(broken(error, len(flight.work.days))), None)

    def _give_back(self, flight: Flight) -> None:
        claimed = flight.claimed
        self._budgets.in_flight.remove(claimed.work.transfer_id, claimed.connection_id, claimed.trials, claimed.away)

    def _take(self, flight: Flight, results: list[DayResult], connection_id: int | None) -> None:
        """Keep the results for the next recording. connection_id: None if nobody answered."""
        self._claimer.learn(flight.claimed.lane, flight.work, results, self._seams.monotonic() - flight.began)
        self.landed.extend((result, connection_id) for result in results)

    def give_up_overdue(self) -> None:
        """A slice that hangs keeps its thread, but not its slot nor its days: its late answer will be refused."""
        for flight in self.awaited:
            if self._seams.monotonic() >= flight.overdue:
                flight.given_up = True
                self._give_back(flight)
                self._budgets.hung[flight.work.transfer_id] += 1
                if flight.claimed.away:
                    flight.future.cancel()  # what runs on a thread stays there; a cluster ends it
                first_day = str(flight.work.days[-1].data_date)
                log.error("load_hangs", transfer_id=flight.work.transfer_id, first_day=first_day)
                limit = flight.work.deadline_seconds
                failure = Failure("TIMEOUT", f"No answer within the deadline of {limit:g} s.", transient=True)
                self._take(flight, flight.lost(failure), None)
