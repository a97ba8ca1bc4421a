"""A made API that allows so many requests a minute, blocks who asks more, and counts every refusal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from threading import Lock

from dayfill.domain.transfer import Table
from dayfill.errors import Transient
from dayfill.sources import SourceConfig
from scripted import ScriptedRead, ScriptedSource

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


@dataclass
class LimitedApi(ScriptedSource):
    """One day at a time. In any ``window`` seconds it answers ``allowed`` requests; one more, and all are refused.

    clock: its seconds. block: seconds for which it then refuses; 0: windows follow each other like days, and it refuses
    until the next one. restarts: a request during a block begins it anew. states: whether it says how long to wait.
    refusals: (second, block that it fell in).
    """

    max_days_per_read: int = 1
    clock: Callable[[], float] = lambda: 0.0
    allowed: int = 60
    window: float = MINUTE
    block: float = HOUR
    restarts: bool = False
    states: bool = True
    blocks: int = 0
    blocked_until: float = float("-inf")
    refusals: list[tuple[float, int]] = field(default_factory=list)
    answered: deque[float] = field(default_factory=deque)
    lock: Lock = field(default_factory=Lock)

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> ScriptedRead:
        with self.lock:
            self._admit(round(self.clock(), 3))
            return super().read_days(config, table, days, deadline)

    def _admit(self, now: float) -> None:
        oldest = round(now - (self.window if self.block else now % self.window), 3)
        while self.answered and self.answered[0] <= oldest:
            self.answered.popleft()
        if now < self.blocked_until:
            if self.restarts:
                self.blocked_until = now + self.block
            self._refuse(now)
        if len(self.answered) >= self.allowed:
            self.blocks += 1
            self.blocked_until = round(now + self.block if self.block else (now // self.window + 1) * self.window, 3)
            self._refuse(now)
        self.answered.append(now)

    def _refuse(self, now: float) -> None:
        self.refusals.append((now, self.blocks))
        wait = self.blocked_until - now if self.states else None
        raise Transient("RATE_LIMIT", "The API says 429: too many requests.", retry_after=wait)

    def most_refusals(self) -> int:
        """Refusals in the block that had the most."""
        return max((sum(block == n for _, block in self.refusals) for n in range(1, self.blocks + 1)), default=0)
