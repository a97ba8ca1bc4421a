"""`python -m bench.scale`: many transfers with a window of days each, through the real dispatcher, with no-op slices.

Prints how many runs a second it holds, and what a turn of its loop costs while the finished history grows.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import structlog
import uvloop

from bench.noop import NoOp
from bench.world import World, dispatching, world
from dayfill.domain.days import DayRange
from dayfill.domain.run import Priority, Trigger
from dayfill.domain.transfer import Configuration, SourceSetting, Table
from dayfill.engine import runs, table_groups, transfers
from dayfill.engine.dispatch import Dispatcher
from dayfill.store import transfers as stored

LAST = date(2020, 1, 31)
STRETCH_SECONDS = 5.0


async def main(folder: Path, count: int, days: int, seconds: float, postgresql: str | None) -> None:
    source = {"path": str(folder / "none.csv"), "date_column": "day"}
    async with world(folder, source, postgresql=postgresql) as here:
        began = time.perf_counter()
        await _fill(here, count, days)
        took = time.perf_counter() - began
        print(f"{count} transfers x {days} days queued in {took:.1f} s: {count * days / took:,.0f} rows/s")
        async with dispatching(here.state, NoOp()) as dispatcher:
            dispatcher.wake()
            await _watch(dispatcher, count * days, seconds)


async def _fill(here: World, count: int, days: int) -> None:
    """More transfers like the first one, and waiting runs of the window of each."""
    window = DayRange(LAST - timedelta(days=days - 1), LAST)
    db, seams, team = here.state.db, here.state.seams, here.team_id
    first = await _first(here)
    for batch in _batches(range(count), 200):
        async with db.write() as tx:
            for number in batch:
                name = f"scale_{number}"
                group = await table_groups.create(tx, seams, team, "FILES", name, "", [Table(name)])
                chosen = Configuration("FILES", group.schema_id, first.destination_id, name, settings=first.settings)
                made = await transfers.create(tx, seams, team, here.user_id, chosen)
                await runs.enqueue(
                    *(tx, seams, team, made.transfer_id, list(window)),
                    trigger=Trigger.SCHEDULE,
                    priority=Priority.SCHEDULE,
                )


async def _first(here: World) -> Configuration:
    found = await stored.get(here.state.db, here.team_id, here.transfer_id)
    assert found is not None
    settings = tuple(SourceSetting(one.field_id, one.value) for one in found.configuration.settings)
    return Configuration("FILES", 0, found.configuration.destination_id, "", settings=settings)


async def _watch(dispatcher: Dispatcher, total: int, seconds: float) -> None:
    """Print each stretch of the work until all is done or the time is over."""
    end = time.perf_counter() + seconds
    done = passes = 0
    spent = 0.0
    while time.perf_counter() < end and done < total:
        began = time.perf_counter()
        await asyncio.sleep(STRETCH_SECONDS)
        took, work = time.perf_counter() - began, dispatcher.work
        now = sum(work.days.values())
        turns, cost = work.passes - passes, work.pass_seconds - spent
        print(
            f"{now:>9,} finished: {(now - done) / took:>7,.0f} runs/s, {turns / took:>5,.0f} turns/s"
            f" of {1000 * cost / max(turns, 1):.2f} ms"
        )
        done, passes, spent = now, work.passes, work.pass_seconds


def _batches(numbers: range, size: int) -> Iterator[range]:
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transfers", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=120.0, help="when to stop")
    parser.add_argument("--postgresql", help="DSN of an empty database; default is a SQLite file")
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory(prefix="dayfill-scale-") as scratch:
        uvloop.run(main(Path(scratch), given.transfers, given.days, given.seconds, given.postgresql))
