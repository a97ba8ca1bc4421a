"""What the claims of a dispatcher take, by the clock, from the look for lanes to the last statement of each."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dayfill.engine import dispatch
from dayfill.engine.claim import claim, look


@dataclass(frozen=True, slots=True)
class Cost:
    """Of so many runs: turns of the loop and claims among them, with all their milliseconds."""

    runs: int
    turns: int
    turns_ms: float
    claims: int
    claims_ms: float

    @property
    def claim_ms(self) -> float:
        return self.claims_ms / self.claims

    @property
    def turn_ms(self) -> float:
        return self.turns_ms / self.turns

    @property
    def work_ms(self) -> float:
        """Of the turns, for 1,000 runs: how they share the work among them does not count here."""
        return 1000 * self.turns_ms / self.runs

    def __str__(self) -> str:
        each = f"{self.claims} claims of {self.claim_ms:.2f} ms, {self.turns} turns of {self.turn_ms:.2f} ms"
        return f"{self.runs:,} runs: {each}, {self.work_ms:.1f} ms of turns for 1,000 runs"


@contextmanager
def timed(spent: list[float]) -> Iterator[None]:
    """Meanwhile each claim leaves its seconds here, together with the look before it."""
    before = 0.0

    async def timed_look(*given: Any) -> None:
        nonlocal before
        began = time.perf_counter()
        await look(*given)
        before = time.perf_counter() - began

    async def timed_claim(*given: Any, **named: Any) -> Any:
        began = time.perf_counter()
        claimed = await claim(*given, **named)
        spent.append(time.perf_counter() - began + before)
        return claimed

    _put(timed_look, timed_claim)
    try:
        yield
    finally:
        _put(look, claim)


def _put(look: Callable[..., Awaitable[None]], claim: Callable[..., Awaitable[Any]]) -> None:
    setattr(dispatch, "look", look)  # noqa: B010
    setattr(dispatch, "claim", claim)  # noqa: B010
