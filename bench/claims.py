"""What the claims of a dispatcher take, by the clock, from the look for lanes to the last statement of each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dayfill.engine import dispatch
from dayfill.engine.claim import claim, look


@dataclass(frozen=True, slots=True)
class Cost:
    """Of so many runs: passes of the loop with all their milliseconds and trips to the database, and each claim's."""

    runs: int
    passes: int
    passes_ms: float
    trips: int
    claims_ms: Sequence[float]

    @property
    def claim_ms(self) -> float:
        """The median of the claims."""
        return statistics.median(self.claims_ms)

    @property
    def work_ms(self) -> float:
        """Of the passes, for 1,000 runs: how they share the work among them does not count here."""
        return 1000 * self.passes_ms / self.runs

    def __str__(self) -> str:
        claims = f"{len(self.claims_ms)} claims, the median takes {self.claim_ms:.2f} ms"
        passes = (
            f"{self.passes} passes of {self.passes_ms / self.passes:.2f} ms and {self.trips / self.passes:.1f} trips"
        )
        return f"{self.runs:,} runs: {claims}; {passes}; {self.work_ms:.1f} ms of passes for 1,000 runs"


def together(costs: Sequence[Cost]) -> Cost:
    """What all of them cost."""
    return Cost(
        sum(one.runs for one in costs),
        sum(one.passes for one in costs),
        sum(one.passes_ms for one in costs),
        sum(one.trips for one in costs),
        [each for one in costs for each in one.claims_ms],
    )


@contextmanager
def timed(spent: list[float]) -> Iterator[None]:
    """Meanwhile each claim leaves its milliseconds here, together with the look before it."""
    before = 0.0

    async def timed_look(*given: Any) -> None:
        nonlocal before
        began = time.perf_counter()
        await look(*given)
        before = time.perf_counter() - began

    async def timed_claim(*given: Any, **named: Any) -> Any:
        began = time.perf_counter()
        claimed = await claim(*given, **named)
        spent.append(1000 * (time.perf_counter() - began + before))
        return claimed

    _put(timed_look, timed_claim)
    try:
        yield
    finally:
        _put(look, claim)


def _put(look: Callable[..., Awaitable[None]], claim: Callable[..., Awaitable[Any]]) -> None:
    setattr(dispatch, "look", look)  # noqa: B010
    setattr(dispatch, "claim", claim)  # noqa: B010
