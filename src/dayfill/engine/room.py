"""What may still start in one claim: the budgets, less what has been picked in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from dayfill.domain.parking import Trial
from dayfill.domain.run import Side
from dayfill.domain.slices import TransferJob
from dayfill.engine.budgets import Budgets
from dayfill.engine.lanes import Cause
from dayfill.store.lanes import Lane


@dataclass(slots=True)
class Room:
    """closed: what this claim has found to be held up; for all of it, or what is less urgent would go first.

    days: by transfer, those that one of its lanes offers. in_vain: lanes that were read and offer nothing.
    """

    budgets: Budgets
    here: int = 0
    away: int = 0
    of_transfer: Counter[int] = field(default_factory=Counter)
    of_connection: Counter[int] = field(default_factory=Counter)
    trials: set[Trial] = field(default_factory=set)
    closed: set[Cause] = field(default_factory=set)
    days: defaultdict[int, set[date]] = field(default_factory=lambda: defaultdict(set))
    in_vain: int = 0

    def is_full(self) -> bool:
        """Whether nothing more could start anywhere."""
        return self.budgets.is_full(self.here, self.away)

    @property
    def left(self) -> int:
        """Slices that may still start, here and away."""
        return max(0, self.free(away=False)) + max(0, self.free(away=True))

    def free(self, away: bool) -> int:
        """Slices that may still start here, or away."""
        return self.budgets.free(away) - (self.away if away else self.here)

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
        if away:
            self.away += 1
        else:
            self.here += 1
        self.of_transfer[job.transfer_id] += 1
        self.of_connection[job.connection_id] += 1
        self.trials.update(trials)
        if job.requests_per_minute is not None:
            self.closed.add(("connection", job.connection_id))

    def _is_tried(self, side: Side, which: int) -> bool:
        return (side, which) in self.trials or (side, which) in self.budgets.trials

    def _of_connection(self, of: Lane | TransferJob) -> int:
        under_way = self.budgets.of_connection[of.connection_id] + self.of_connection[of.connection_id]
        return of.connection_parallelism - under_way

    def _of_transfer(self, of: Lane | TransferJob, at_once: int) -> int:
        return at_once - self.budgets.of_transfer[of.transfer_id] - self.of_transfer[of.transfer_id]
