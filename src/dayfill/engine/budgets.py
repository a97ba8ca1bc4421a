"""How much may run at once, and how many days one slice takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from dayfill.domain.parking import Trial
from dayfill.engine.rates import Rate

GOAL_SECONDS = 1.0
"""A slice should take about this long: progress stays live, and what is shared is paid rarely."""
LONGEST_SECONDS = 5.0
"""A slice may take this long while a larger one makes each of its days clearly cheaper."""
CHEAPER = 0.7
GROWTH = 4
LOOK_AGAIN = 32
"""After so many slices of a size a larger one is tried again: no busy moment decides for good how days are read."""
MAX_SLICE_DAYS = 128
MAX_SLICE_BYTES = 64 * 1024 * 1024
"""Most that a reading of several days may hold in memory. Slices aim at half of it, since days differ in size."""


@dataclass(slots=True)
class SliceSize:
    """How large the slices of a transfer are: one day at first, larger while that pays.

    shares: one reading of the source serves many days (a file, a table), so a day in a larger slice costs less.
    stood: full slices since it last grew.
    """

    shares: bool = True
    days: int = 1
    growing: bool = True
    day_seconds: float | None = None
    day_bytes: float = 0.0
    stood: int = 0

    def learn(self, days: int, seconds: float, size_bytes: int, *, failed: bool) -> None:
        """A slice of this many days ended. A failure that may pass brings the transfer back to single days."""
        if failed:
            self.days, self.growing, self.day_seconds, self.stood = 1, True, None, 0
            return
        self.day_bytes = max(size_bytes / days, self.day_bytes / 2)
        if days < self.days:
            return  # the end of a range says little about full slices
        cost = seconds / days
        looks_again = self.stood == LOOK_AGAIN
        self.stood = 0 if looks_again else self.stood + 1
        pays = self.shares and (self.day_seconds is None or looks_again or cost < CHEAPER * self.day_seconds)
        self.growing = self.days < MAX_SLICE_DAYS and (
            seconds < GOAL_SECONDS / GROWTH or (pays and seconds < LONGEST_SECONDS)
        )
        if self.growing:
            self.day_seconds, self.stood = cost, 0
            self.days = min(self.days * GROWTH, MAX_SLICE_DAYS)
        elif seconds > 2 * GOAL_SECONDS and not pays:
            self.days = max(1, self.days // GROWTH)

    def slice_days(self) -> int:
        fits = int(MAX_SLICE_BYTES / 2 / self.day_bytes) if self.day_bytes else MAX_SLICE_DAYS
        return max(1, min(self.days, fits))

    def slices_at_once(self, parallelism: int) -> int:
        """One while the right size is being found, because small slices read again what a larger one shares."""
        return 1 if self.shares and self.growing else parallelism


@dataclass(slots=True)
class SliceCounts:
    """Slices: in total here and away, per transfer and per connection, and what they try out."""

    here: int = 0
    away: int = 0
    of_transfer: Counter[int] = field(default_factory=Counter)
    of_connection: Counter[int] = field(default_factory=Counter)
    trials: set[Trial] = field(default_factory=set)

    def add(self, transfer_id: int, connection_id: int, trials: Iterable[Trial] = (), away: bool = False) -> None:
        self._move(transfer_id, connection_id, away, 1)
        self.trials.update(trials)

    def remove(self, transfer_id: int, connection_id: int, trials: Iterable[Trial] = (), away: bool = False) -> None:
        self._move(transfer_id, connection_id, away, -1)
        self.trials.difference_update(trials)

    def _move(self, transfer_id: int, connection_id: int, away: bool, step: int) -> None:
        if away:
            self.away += step
        else:
            self.here += step
        self.of_transfer[transfer_id] += step
        self.of_connection[connection_id] += step


@dataclass(slots=True)
class Budgets:
    """What may be under way, and what is.

    slots: of the threads here. away_slots: of a cluster, which may change. hung: slices of a transfer that nobody waits
    for any more; each holds a thread, not a slot, so the executor has as many threads again as slots.
    rates: of connections with a limit of requests. held: monotonic second until which one with work to do must wait.
    """

    slots: int
    away_slots: int = 0
    in_flight: SliceCounts = field(default_factory=SliceCounts)
    hung: Counter[int] = field(default_factory=Counter)
    rates: dict[int, Rate] = field(default_factory=dict)
    held: dict[int, float] = field(default_factory=dict)

    def free(self, away: bool = False) -> int:
        """Slices that may start here, or away."""
        if away:
            return self.away_slots - self.in_flight.away
        return 0 if self.are_all_hung() else self.slots - self.in_flight.here

    def is_full(self, here: int = 0, away: int = 0) -> bool:
        """Whether nothing more could start anywhere, once so many more have."""
        return self.free() <= here and self.free(away=True) <= away

    def are_all_hung(self) -> bool:
        """Whether so many slices hang that nothing more may start: they would hold every thread in the end."""
        return self.hung.total() >= self.slots

    def may_hang(self, transfer_id: int) -> bool:
        """Whether one more slice of this transfer could hang and leave threads to the others."""
        return self.hung[transfer_id] < max(1, self.slots // 2)

    def may_ask(self, connection_id: int, calls: int, per_minute: int, monotonic: float) -> bool:
        """Whether the connection's limit of requests lets so many calls go now; if not, `held` says when."""
        wait = self.rates.setdefault(connection_id, Rate()).wait(calls, per_minute, monotonic)
        if not wait:
            self.held.pop(connection_id, None)  # this moment would count as one to wake at, again and again
            return True
        self.held[connection_id] = monotonic + wait
        return False

    def ask(self, connection_id: int, calls: int, per_minute: int, monotonic: float) -> None:
        """So many calls go now; `held` says when the next one may."""
        rate = self.rates[connection_id]
        rate.pay(calls, per_minute, monotonic)
        self.held[connection_id] = monotonic + rate.wait(1, per_minute, monotonic)
