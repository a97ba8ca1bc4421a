"""A wall clock that was set back: nothing waits for the time that was taken away.

How long a slice may take is measured by the monotonic clock, which nobody can set. Retries, rests of connections and
schedules wait for a moment of the wall clock, since they outlive the server; a moment that was chosen while the clock
was far ahead may lie years away once it is right again.
"""

from __future__ import annotations

from dayfill.domain.run import LONGEST_PARK
from dayfill.domain.schedule import next_slot
from dayfill.seams import Seams
from dayfill.store import parking, runs, schedules
from dayfill.store.db import Database


async def shorten_waits(db: Database, seams: Seams) -> None:
    """Bring everything that waits back to what it could be waiting for by the present clock; all else stays as it is.

    A slot that has fired already does not fire again, however often its moment comes.
    """
    now = seams.now()
    async with db.write() as tx:
        await runs.hasten_delayed(tx, now)
        await parking.shorten(tx, now + LONGEST_PARK, now)
        for planned in await schedules.planned(tx):
            slot = next_slot(planned.schedule, now)
            if slot < planned.slot:
                await schedules.set_next(tx, planned.transfer_id, planned.position, slot)
