"""Several dispatchers with clocks that disagree tick on one state: every slot fires once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from random import Random

import seeds
from dayfill.domain.schedule import Interval, Schedule
from dayfill.engine import schedule
from dayfill.engine.clock import shorten_waits
from dayfill.seams import Seams
from dayfill.store.sqlite import SqliteDatabase
from installation import NOON, Installation

DISPATCHERS = 4
DAYS = 25


async def tick(installation: Installation, seams: Seams, seed: int, ticks: int) -> None:
    """A dispatcher of its own, whose clock is set about; what it starts has ended at once, so no run is joined."""
    chance, db = Random(seed), SqliteDatabase(installation.db._path)
    db._writer.execute("PRAGMA synchronous = OFF")
    for _ in range(ticks):
        now = NOON + timedelta(days=chance.randrange(DAYS), seconds=chance.randrange(86_400))
        at = replace(seams, now=lambda now=now: now)
        await shorten_waits(db, at)
        await schedule.fire_due(db, at)
        async with db.write():
            db._writer.execute("UPDATE runs SET status = 'COMPLETED' WHERE status = 'QUEUED'")
    await db.close()


async def test_every_slot_fires_once_whoever_looks_at_whatever_clock(
    installation: Installation, rounds: Callable[[int], int]
) -> None:
    await seeds.transfer(installation, schedules=(Schedule(Interval.DAILY, hour=6),))
    ticks = rounds(100)
    with ThreadPoolExecutor(DISPATCHERS) as threads:
        working = [
            threads.submit(lambda n=n: asyncio.run(tick(installation, installation.server.seams, n, ticks)))
            for n in range(DISPATCHERS)
        ]
    for one in working:
        one.result()
    slots = installation.execute("SELECT slot_time, count(*) FROM schedule_slots GROUP BY slot_time")
    fired = installation.execute("SELECT count(*) FROM runs WHERE cause_of_start = 'schedule'")
    assert fired == [(len(slots),)]
    assert len(slots) > DAYS // 2
