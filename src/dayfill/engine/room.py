"""What may still start in one claim: the budgets, less what has been picked in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from dayfill.domain.parking import Trial
from dayfill.domain.run import Side
from dayfill.domain.slices import TransferJob
from dayfill.engine.budgets import Budgets, SliceCounts
from dayfill.engine.lanes import Cause
from dayfill.store.lanes import Lane


@dataclass(slots=True)
class Room:
    """picked: what this claim starts. closed: what it has found to be held up; for all of it, or what is less urgent
    would go first.

    days: by transfer, those that one of its lanes offers. in_vain: lanes that were read and offer nothing.
    """

    budgets: Budgets
    picked: SliceCounts = field(default_factory=SliceCounts)
    closed: set[Cause] = field(default_factory=set)
    days: defaultdict[int, set[date]] = field(default_factory=lambda: defaultdict(set))
    in_vain: int = 0

    def is_full(self) -> bool:
        """Whether nothing more could start anywhere."""
        return self.budgets.is_full(self.picked.here, self.picked.away)

    @property
    def left(self) -> int:
        """Slices that may still start, here and away."""
        return max(0, self.free(away=False)) + max(0, self.free(away=True))

    def free(self, away: bool) -> int:
        """Slices that may still start here, or away."""
        return self.budgets.free(away) - (self.picked.away if away else self.picked.here)

    def cause(self, of: Lane | TransferJob, at_once: int) -> Cause | None:
        """What keeps a slice of it from starting, as far as that is known without a look at the state.

        at_once: slices of the transfer that may be under way.
        """
        if ("team", of.team_id) in self.closed:
            return "team", of.team_id
        if ("destination", of.destination_id) in self.closed or self._is_tried(Side.DESTINATION, of.destination_id):
            return "destination", of.destination_id
        if ("connection", of.connection_id) in self.closed or self._is_tried(Side.SOURCE, of.connection_id):
            return "connection", of.connection_id
        if self._of_connection(of) <= 0:
            return "connection", of.connection_id
        if self._of_transfer(of, at_once) <= 0 or not self.budgets.may_hang(of.transfer_id):
            return "transfer", of.transfer_id
        return None

    def slices(self, of: TransferJob, at_once: int, away: bool) -> int:
        """Slices of this transfer that may start now, if no other takes the room."""
        return min(self.free(away), self._of_connection(of), self._of_transfer(of, at_once))

    def take(self, job: TransferJob, trials: Iterable[Trial], away: bool) -> None:
        """A slice will start. Where there is a limit of requests a minute, one starts at a time."""
        self.picked.add(job.transfer_id, job.connection_id, trials, away)
        if job.requests_per_minute is not None:
            self.closed.add(("connection", job.connection_id))

    def _is_tried(self, side: Side, which: int) -> bool:
        return (side, which) in self.picked.trials or (side, which) in self.budgets.in_flight.trials

    def _of_connection(self, of: Lane | TransferJob) -> int:
        under_way = self.budgets.in_flight.of_connection[of.connection_id] + self.picked.of_connection[of.connection_id]
        return of.connection_parallelism - under_way

    def _of_transfer(self, of: Lane | TransferJob, at_once: int) -> int:
        under_way = self.budgets.in_flight.of_transfer[of.transfer_id] + self.picked.of_transfer[of.transfer_id]
        return at_once - under_way
