"""How much work there is at this moment, over all teams, and how long it has waited: for the operator, not the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dayfill.domain.run import Side
from dayfill.store.db import Reader, instant


@dataclass(frozen=True, slots=True)
class Backlog:
    """queued, running: runs. waiting_since: of the run that has waited longest. next_slot: of all schedules.

    parked: connections and destinations that rest, or may be tried again but were not yet.
    """

    queued: int
    running: int
    waiting_since: datetime | None
    next_slot: datetime | None
    parked: dict[Side, int]


async def read(db: Reader) -> Backlog:
    """Off the event loop: its cost grows with what waits, though never with what has ended."""
    [(queued, running, waiting_since, next_slot, connections, destinations)] = await db.scan("backlog")
    parked = {Side.SOURCE: connections, Side.DESTINATION: destinations}
    return Backlog(queued, running, instant(waiting_since), instant(next_slot), parked)
