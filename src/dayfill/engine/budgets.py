"""How much may run at once, and how many days one slice takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

GOAL_SECONDS = 1.0
"""A slice should take about this long: progress stays live, and what is shared is paid rarely."""
MAX_SLICE_DAYS = 128
MAX_SLICE_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Pace:
    """What the last slices of a transfer cost; starts with one day and doubles while slices are fast."""

    days: int = 1
    day_bytes: float = 0.0

    def learn(self, days: int, seconds: float, size_bytes: int, *, failed: bool) -> None:
        """A slice of this many days ended. A failure brings the transfer back to single days."""
        if failed:
            self.days = 1
            return
        self.day_bytes = max(size_bytes / days, self.day_bytes / 2)
        if seconds > 2 * GOAL_SECONDS:
            self.days = max(1, self.days // 2)
        elif seconds < GOAL_SECONDS / 2 and days >= self.days:
            self.days = min(self.days * 2, MAX_SLICE_DAYS)

    def slice_days(self) -> int:
        fits = int(MAX_SLICE_BYTES / self.day_bytes) if self.day_bytes else MAX_SLICE_DAYS
        return max(1, min(self.days, fits))


@dataclass(slots=True)
class Budgets:
    """Slices in flight, counted in total, per transfer and per connection. slots: the executor's."""

    slots: int
    in_flight: int = 0
    of_transfer: Counter[int] = field(default_factory=Counter)
    of_connection: Counter[int] = field(default_factory=Counter)

    def free(self) -> int:
        return self.slots - self.in_flight

    def take(self, transfer_id: int, connection_id: int) -> None:
        self._move(transfer_id, connection_id, 1)

    def give_back(self, transfer_id: int, connection_id: int) -> None:
        self._move(transfer_id, connection_id, -1)

    def _move(self, transfer_id: int, connection_id: int, step: int) -> None:
        self.in_flight += step
        self.of_transfer[transfer_id] += step
        self.of_connection[connection_id] += step
