"""Tests of destinations and sources that people ask for: no means to look around in the server's network."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from dayfill.errors import Exceeded

Found = TypeVar("Found")

TRIAL_SECONDS = 2.0
"""A test takes so long, or a multiple of it: its time does not tell whether something listens at an address."""
MOST_AT_ONCE = 4
"""Of one team; with the above, so many tests in two seconds."""


@dataclass(frozen=True, slots=True)
class Trials:
    """The tests that are under way in a server. sleep: waits for so many seconds."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    under_way: Counter[int] = field(default_factory=Counter)

    async def run(self, team_id: int, test: Callable[[], Awaitable[Found]]) -> Found:
        """What the test finds; what it refuses to try at all is told at once.

        Raises:
            Exceeded: as many tests of this team are under way as may be.
        """
        if self.under_way[team_id] >= MOST_AT_ONCE:
            raise Exceeded(f"{MOST_AT_ONCE} tests of this team are under way; wait for one to end.", retry_after=2)
        self.under_way[team_id] += 1
        try:
            began = self.monotonic()
            found = await test()
            await self.sleep(TRIAL_SECONDS - (self.monotonic() - began) % TRIAL_SECONDS)
        finally:
            self.under_way[team_id] -= 1
        return found
