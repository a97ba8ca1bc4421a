"""A desk where a test asks queries: it moves the clock and opens the gate before which every reading waits."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from dayfill.domain.days import DayRange
from dayfill.domain.query import Query
from dayfill.engine.queries import Asked, Kept, Queries
from installation import Installation
from scripted import ScriptedSource

FIRST = date(2024, 6, 1)
QUERY = Query("FILES", DayRange(FIRST, FIRST + timedelta(days=2)), "UTC", 60)
A_MINUTE = 60


@dataclass
class Desk:
    """Where queries are asked; its clock is moved by the test, and nothing is read while its gate is shut.

    reached: released by each reading when it comes to the gate.
    """

    made: Installation
    gate: threading.Event = field(default_factory=threading.Event)
    reached: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    clock: float = 1000.0
    asked: int = 0

    async def start(self, query: Query = QUERY, **changes: object) -> Kept:
        self.asked += 1
        plain = Asked(
            (self.made.team_id,), self.made.user_id, f"request-{self.asked}", f"schedule-{self.asked}", "asked", query
        )
        return await self.made.server.queries.start(replace(plain, **changes))  # type: ignore[arg-type]

    async def ended(self, query: Query = QUERY, **changes: object) -> Kept:
        one = await self.start(query, **changes)
        await self.wait(one)
        return one

    async def wait(self, one: Kept) -> None:
        await self.made.server.queries.wait(one, A_MINUTE)
        assert one.status.is_final
        if one.task is not None:
            await one.task

    def find(self, name: str, team_id: int = 0, user_id: int = 0) -> Kept | None:
        team_id, user_id = team_id or self.made.team_id, user_id or self.made.user_id
        return self.made.server.queries.find((team_id,), user_id, name)

    @property
    def seams(self):  # type: ignore[no-untyped-def]
        return replace(self.made.server.seams, monotonic=lambda: self.clock)


async def opened(installation: Installation, source: ScriptedSource) -> AsyncIterator[Desk]:
    """A desk whose gate is open."""
    made, server = Desk(installation), installation.server
    queries = Queries(server.db, made.seams, server.keyring, server.reaches)
    installation.server = replace(server, queries=queries)
    made.gate.set()
    loop = asyncio.get_running_loop()

    def pass_the_gate(days: int) -> None:
        loop.call_soon_threadsafe(made.reached.release)
        made.gate.wait(A_MINUTE)

    source.seconds = pass_the_gate
    yield made
    made.gate.set()


def rows(one: Kept) -> list[list[str]]:
    assert one.result is not None, one.error
    return json.loads(b"[%b]" % one.result.lines.text[:-1])
