"""Fires the schedules whose slot has come: a Recurring run for each day of the refresh window, each slot once.

Tables without days are refreshed with it, by a run of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dayfill.domain.days import DayRange, refresh_window, slot_window
from dayfill.domain.run import Priority, Trigger
from dayfill.domain.schedule import next_slot
from dayfill.domain.table_group import refreshed
from dayfill.engine import runs
from dayfill.seams import Seams
from dayfill.store import schedules, transfers
from dayfill.store.db import Database, Tx
from dayfill.store.schedules import Due

BATCH = 20
"""Schedules fired in one transaction; a window may have hundreds of days, and other writers wait for the commit."""
MOST_CAUGHT_UP = timedelta(days=366)
"""How far back a firing reaches that comes late: what a longer pause has left out is for a backfill."""


async def fire_due(db: Database, seams: Seams) -> int:
    """Fire every schedule that is due. Returns the new runs.

    Slots that were missed while no server ran fire once, for the days of all of them. If none is due this is one read
    of an index and no write.
    """
    started = 0
    while batch := await schedules.due(db, seams.now(), BATCH):
        async with db.write() as tx:
            started += await _fire(tx, seams, batch)
    return started


async def _fire(tx: Tx, seams: Seams, batch: Sequence[Due]) -> int:
    now = seams.now()
    started = 0
    for transfer in {due.transfer_id: due for due in batch}.values():
        span = await _fire_slots(tx, transfer.transfer_id, transfer.zone, now)
        if span is not None:
            tables = (await transfers.job(tx, transfer.transfer_id)).tables
            enqueued = await runs.enqueue(
                tx,
                seams,
                transfer.team_id,
                transfer.transfer_id,
                refreshed(tables, span),
                trigger=Trigger.SCHEDULE,
                priority=Priority.SCHEDULE,
            )
            started += len(enqueued.run_ids)
    seams.failpoint("fire")
    return started


async def _fire_slots(tx: Tx, transfer_id: int, zone: str, now: datetime) -> DayRange | None:
    """Fire all due slots of a transfer together; returns the days of their windows, None if all have fired before.

    Read again here: the transfer may have been paused or changed since the batch was read, and two of its schedules
    may share a slot, of which the longer window counts.
    """
    first, fired = None, set()
    for position, schedule, slot in await schedules.of_transfer(tx, transfer_id):
        if slot is None or slot > now:
            continue
        if slot in fired or await schedules.fire(tx, transfer_id, slot, now):
            fired.add(slot)
            start = slot_window(slot, schedule.refresh_window, zone, schedule.between).start
            first = start if first is None else min(first, start)
        await schedules.set_next(tx, transfer_id, position, next_slot(schedule, now))
    today = refresh_window(now, 1, zone).end
    return None if first is None else DayRange(max(first, today - MOST_CAUGHT_UP), today)
