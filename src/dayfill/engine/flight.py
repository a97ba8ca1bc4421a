"""A slice that an executor works on, as the dispatcher keeps it in mind."""

from __future__ import annotations

from dataclasses import dataclass

from dayfill.domain.slices import Slice
from dayfill.engine.claim import Claimed


@dataclass(eq=False, slots=True)
class Flight:
    """A slice on the executor. overdue: monotonic second after which nobody waits for it any more."""

    claimed: Claimed
    began: float
    overdue: float
    given_up: bool = False

    @property
    def work(self) -> Slice:
        return self.claimed.work
