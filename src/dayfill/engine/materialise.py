"""Turn CREATED backfills into run rows: in bulk, urgent ones first, newest day first, resumed by whoever comes next."""

from __future__ import annotations

from itertools import islice

from dayfill.domain.backfill import BackfillStatus
from dayfill.domain.days import days_of
from dayfill.seams import Seams
from dayfill.store import backfills, days, runs
from dayfill.store.db import Database

CHUNK_DAYS = 1_000
"""Rows in one transaction: other writers get their turn in between."""


async def materialise(db: Database, seams: Seams) -> bool:
    """Insert the next chunk of runs of the most urgent CREATED backfill; False if there is no more to do."""
    if await backfills.next_new(db) is None:
        return False
    async with db.write() as tx:
        new = await backfills.next_new(tx)
        if new is None:
            return False
        wanted = new.days.newest_first() if new.chosen is None else iter(days_of(new.chosen))
        inserted = await runs.insert_of_backfill(
            tx,
            new.team_id,
            new.transfer_id,
            new.backfill_id,
            # What exists was inserted newest first, so it is the head of the list.
            islice(wanted, new.created, new.created + CHUNK_DAYS),
            priority=new.priority,
            now=seams.now(),
        )
        await days.queue(tx, new.transfer_id, [day.isoformat() for day in inserted])
        status = await backfills.count_created(tx, new.backfill_id, len(inserted))
        if status is BackfillStatus.SCHEDULED and not new.is_paused:
            await runs.release(tx, new.backfill_id, seams.now())
        seams.failpoint("materialise")
    return status is BackfillStatus.CREATED or await backfills.next_new(db) is not None
