"""Several processes with clocks that disagree tick on one state: every slot fires once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from crew import forks

import seeds
from dayfill.domain.schedule import Interval, Schedule
from dayfill.engine import schedule
from dayfill.engine.clock import shorten_waits
from dayfill.seams import Seams
from dayfill.store.sqlite import SqliteDatabase
from installation import NOON, Installation

STATES = ["sqlite"]
PROCESSES = 4
DAYS = 25


def ticking(state: Path, seed: int, ticks: int) -> int:
    """The life of one process; returns how many runs it started."""
    return asyncio.run(_ticking(state, seed, ticks))


async def _ticking(state: Path, seed: int, ticks: int) -> int:
    """A dispatcher of its own, whose clock is set about; what it starts has ended at once, so no run is joined."""
    chance, db, started = Random(seed), SqliteDatabase(state), 0
    db._writer.execute("PRAGMA synchronous = OFF")  # no power is cut, and a disk would only put them in a row
    for _ in range(ticks):
        at = _at(NOON + timedelta(days=chance.randrange(DAYS), seconds=chance.randrange(86_400)))
        await shorten_waits(db, at)
        started += await schedule.fire_due(db, at)
        async with db.write():
            db._writer.execute("UPDATE runs SET status = 'COMPLETED' WHERE status = 'QUEUED'")
    await db.close()
    return started


def _at(now: datetime) -> Seams:
    return Seams(lambda: now, lambda: 0.0, uuid.uuid4, Random(1))


@pytest.mark.timeout(3600)
async def test_every_slot_fires_once_whichever_process_looks_at_whatever_clock(
    installation: Installation, rounds: Callable[[int], int]
) -> None:
    await seeds.transfer(installation, schedules=(Schedule(Interval.DAILY, hour=6),))
    state, ticks = Path(installation.db._path), rounds(100)
    with ProcessPoolExecutor(PROCESSES, forks()) as processes:
        working = [processes.submit(ticking, state, seed, ticks) for seed in range(PROCESSES)]
        started = [one.result() for one in working]
    slots = installation.execute("SELECT slot_time FROM schedule_slots")
    # A firing makes its runs, of one day or of several that were missed, at one moment of its process's clock.
    fired = installation.execute("SELECT count(DISTINCT created_time), count(*) FROM runs WHERE run_type = 'Recurring'")
    assert fired == [(len(slots), sum(started))]
    assert len(slots) > DAYS // 2
    assert sum(count > 0 for count in started) > 1, "the same process fires them all: this is no race"
