"""What a server under test does to itself before it serves: waits cut short, and all that its loads do."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from sabotage import Sabotage, of_loads, put
from stamped import note

from dayfill import app
from dayfill.destinations.duckdb import faults
from dayfill.domain import parking, run
from dayfill.domain.run import Side
from dayfill.engine import flights
from dayfill.store.postgresql import leading
from dayfill.store.postgresql.leading import LeadingWriter


def apply(sabotage: Sabotage) -> None:
    """Do it all to this process."""
    of_loads(sabotage, app.state)
    rest, backoff = timedelta(seconds=sabotage.rest), timedelta(seconds=sabotage.backoff)
    put(parking, _UNSTATED=dict.fromkeys(Side, (rest, 10 * rest)))
    put(flights, GRACE_SECONDS=sabotage.grace)
    if sabotage.drain is not None:
        put(app, DRAIN_SECONDS=sabotage.drain)
    put(run, FIRST_BACKOFF=backoff, SHORTEST_PARK=backoff)
    put(faults, FULL_SECONDS=sabotage.backoff)
    put(leading, SILENT_SECONDS=sabotage.silent, BEAT_SECONDS=sabotage.silent / 6)
    put(LeadingWriter, _take=_told_of(LeadingWriter._take, sabotage.habits.trace))


def _told_of(take: Callable[..., Coroutine[Any, Any, None]], trace: str) -> Callable[..., Coroutine[Any, Any, None]]:
    """Taking the place of the server that dispatches, with a line in the trace."""

    async def take_and_tell(writer: LeadingWriter, connection: object) -> None:
        await take(writer, connection)
        note(trace, what="leads")

    return take_and_tell
