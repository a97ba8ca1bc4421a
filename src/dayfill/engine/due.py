"""When the dispatcher must look again although nobody wakes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import inf

from dayfill.seams import Seams
from dayfill.store import parking, runs, schedules
from dayfill.store.db import Database


async def seconds_to_next_due(
    db: Database, seams: Seams, looked: datetime, rows_until: datetime | None, ends: Sequence[float]
) -> float:
    """Seconds until a retry, a schedule, a parked connection, a new month's rows or one of ``ends`` is due, else inf.

    looked: when the dispatcher looked last. What has come due since then is due now: asked for what is due from now on,
    it would wait for ever. ends: monotonic seconds.
    """
    moments = [
        await runs.next_delayed(db, looked),
        await schedules.next_due(db),
        await parking.next_unparked(db, looked),
        rows_until if rows_until is not None and rows_until > looked else None,
    ]
    now, monotonic = seams.now(), seams.monotonic()
    waits = [(moment - now).total_seconds() for moment in moments if moment is not None]
    waits += [end - monotonic for end in ends]
    return min((max(wait, 0.0) for wait in waits), default=inf)
