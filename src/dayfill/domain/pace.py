"""How fast the days of a backfill end, and so when it will: a moving average that forgets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

FORGETS_AFTER_SECONDS = 120.0
"""What is this old counts a third: a change of pace shows within minutes, a single slow day hardly."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Ends per second. Both sums fade alike, so the first minutes are not biased towards zero."""

    days: float = 0.0
    seconds: float = 0.0

    @classmethod
    def since(cls, elapsed: timedelta, days: int) -> Pace:
        """What a backfill has done so far, with the weight of its last minutes."""
        seconds = max(elapsed.total_seconds(), 0.0)
        fade = FORGETS_AFTER_SECONDS / seconds if seconds > FORGETS_AFTER_SECONDS else 1.0
        return cls(days * fade, seconds * fade)

    def after(self, seconds: float, days: int) -> Pace:
        """The pace now, when so many days have ended within the last ``seconds``."""
        fade = math.exp(-max(seconds, 0.0) / FORGETS_AFTER_SECONDS)
        return Pace(self.days * fade + days, self.seconds * fade + max(seconds, 0.0))

    @property
    def per_minute(self) -> float | None:
        """Days a minute; None while nothing has ended yet."""
        return 60 * self.days / self.seconds if self.days > 0 and self.seconds > 0 else None

    def seconds_for(self, days: int) -> float | None:
        """How long so many more days will take; None if nothing tells."""
        per_minute = self.per_minute
        return None if per_minute is None else 60 * days / per_minute
