"""Limits of requests a minute: when the calls of a connection's next slice may go."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

MINUTE = 60.0
MOMENT = 0.00001
"""Seconds that a timer may be early."""


@dataclass(slots=True)
class Rate:
    """Calls of one connection, spread evenly, and in no minute more than are allowed.

    asked: (monotonic second, calls) of the slices of the last minute. paid: when the last of them is worked off;
    silence is not saved up, for it would end in a burst.
    """

    asked: deque[tuple[float, int]] = field(default_factory=deque)
    paid: float = float("-inf")

    def wait(self, calls: int, per_minute: int, now: float) -> float:
        """Seconds until so many calls may go; 0 if they may go now. More than a minute's worth go alone."""
        while self.asked and self.asked[0][0] + MINUTE <= now + MOMENT:
            self.asked.popleft()
        ready, left = self.paid, sum(count for _, count in self.asked)
        for asked, count in self.asked:
            if left + calls <= per_minute:
                break
            left -= count
            ready = max(ready, asked + MINUTE)
        return ready - now if ready - now > MOMENT else 0.0

    def pay(self, calls: int, per_minute: int, now: float) -> None:
        """So many calls go now."""
        self.asked.append((now, calls))
        self.paid = max(self.paid, now) + calls * MINUTE / per_minute
