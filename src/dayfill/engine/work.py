"""What a dispatcher has done since it started: counts that only grow, moved after the commit that they tell of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from dayfill.domain.run import RunType

Ending = Literal["loaded", "failed", "cancelled", "again"]
"""What became of a day that was tried; "again" is another attempt later."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one recording wrote. taken: how many results still held their run. rows: loaded by them."""

    taken: int
    days: Counter[tuple[RunType, Ending]]
    rows: int


@dataclass(slots=True)
class Work:
    """days: results by type of run and ending. late: results whose run had been given to somebody else meanwhile.

    passes, pass_seconds: passes of the dispatcher's loop, and what they took, its sleep not included.
    """

    days: Counter[tuple[RunType, Ending]] = field(default_factory=Counter)
    rows: int = 0
    late: int = 0
    passes: int = 0
    pass_seconds: float = 0.0

    def recorded(self, results: int, done: Recorded) -> None:
        self.days.update(done.days)
        self.rows += done.rows
        self.late += results - done.taken

    def passed(self, seconds: float) -> None:
        self.passes += 1
        self.pass_seconds += seconds
