"""A slice that was handed out and has not answered."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from dayfill.domain.run import Failure
from dayfill.domain.slices import DayResult, Slice
from dayfill.engine.claim import Claimed
from dayfill.engine.rescue import lost


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
