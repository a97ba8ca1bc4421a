"""`python -m bench.scale`: many transfers with a window of days each, through the real dispatcher, with no-op slices.

Prints how many runs a second it holds, and what a pass of its loop costs while the finished history grows. With
`--finished N` it measures the claims of the same work before and after N finished runs are put into the state. The
state is a SQLite file; with `--postgresql` a database in a server of its own, or the empty one of a DSN after it.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from itertools import count as counted
from pathlib import Path

import structlog
import uvloop
from tests.postgres_server import AS_IT_COMES, new_database, own_server

from bench.claims import Cost, timed, together
from bench.history import fill
from bench.noop import NoOp
from bench.trips import Counted
from bench.waiting import copies, windows
from bench.world import World, dispatching, world
from dayfill.engine.dispatch import Dispatcher
from dayfill.store.db import micros

ROUNDS = 5
FIRST = date(2020, 1, 1)
STRETCH_SECONDS = 5.0


async def main(folder: Path, count: int, days: int, seconds: float, postgresql: str | None, finished: int = 0) -> None:
    source = {"path": str(folder / "none.csv"), "date_column": "day"}
    async with world(folder, source, postgresql=postgresql) as here:
        began = time.perf_counter()
        await copies(folder, postgresql, count)
        await _queue(here, folder, postgresql, days, 0)
        print(f"{count} transfers x {days} days written in {time.perf_counter() - began:.1f} s", flush=True)
        if finished:
            return await _compare(here, folder, postgresql, finished, count, days)
        async with dispatching(here.state, NoOp()) as dispatcher:
            dispatcher.wake()
            await _watch(dispatcher, count * days, seconds)


async def _queue(here: World, folder: Path, postgresql: str | None, days: int, number: int) -> None:
    """Waiting runs of a window of so many days of each transfer, later days for each number."""
    now = micros(here.state.seams.now()) or 0
    await windows(folder, postgresql, FIRST + timedelta(days=number * days), days, now)


async def _compare(here: World, folder: Path, postgresql: str | None, finished: int, count: int, days: int) -> None:
    """The same work, a window of the same length of each transfer, with no history and with a long one."""

    async def rounds(first: int) -> Cost:
        """All rounds but the first one, which warms up; each has days of its own."""
        found = []
        for number in range(first, first + 1 + ROUNDS):
            await _queue(here, folder, postgresql, days, number)
            found.append(await _claims(here, count * days))
            print(f"  {found[-1]}", flush=True)
        return together(found[1:])

    print(f"warm-up: {await _claims(here, count * days)}", flush=True)
    await fill(folder, postgresql, 0, 0)
    empty = await rounds(1)
    began = time.perf_counter()
    await fill(folder, postgresql, finished, micros(here.state.seams.now()) or 0)
    print(f"{finished:,} finished runs written in {time.perf_counter() - began:.0f} s", flush=True)
    full = await rounds(2 + ROUNDS)
    for name, before, after in (
        ("claim, the look before it included: median of all", empty.claim_ms, full.claim_ms),
        ("passes for 1,000 runs: mean", empty.work_ms, full.work_ms),
        ("round trips to the database in a pass: mean", empty.trips / empty.passes, full.trips / full.passes),
    ):
        print(f"{name}, {before:.2f} empty, {after:.2f} with {finished:,} finished, {after / before:.2f} x")


async def _claims(here: World, total: int) -> Cost:
    """What a fresh dispatcher takes for all that waits."""
    spent: list[float] = []
    trips = counted()
    state = replace(here.state, db=Counted(here.state.db, lambda: next(trips)))
    with timed(spent):
        async with dispatching(state, NoOp()) as dispatcher:
            dispatcher.wake()
            work = dispatcher.work
            for _ in counted():
                if sum(work.days.values()) >= total:
                    break
                await asyncio.sleep(0.01)
    return Cost(total, work.passes, 1000 * work.pass_seconds, next(trips), spent)


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
        count, cost = work.passes - passes, work.pass_seconds - spent
        print(
            f"{now:>9,} finished: {(now - done) / took:>7,.0f} runs/s, {count / took:>5,.0f} passes/s"
            f" of {1000 * cost / max(count, 1):.2f} ms"
        )
        done, passes, spent = now, work.passes, work.pass_seconds


@contextmanager
def _place(named: str | None) -> Iterator[str | None]:
    """Where the state is: the DSN of a database of its own if none is named (""), none for a file (None)."""
    if named != "":
        yield named
        return
    with own_server(AS_IT_COMES) as server, new_database(server) as dsn:
        yield dsn


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transfers", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=120.0, help="when to stop")
    parser.add_argument("--postgresql", nargs="?", const="", metavar="DSN", help="of an empty database, if not its own")
    parser.add_argument("--finished", type=int, default=0, help="compare claims without and with so many finished runs")
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory(prefix="dayfill-scale-") as scratch, _place(given.postgresql) as dsn:
        size = given.transfers, given.days, given.seconds
        uvloop.run(main(Path(scratch), *size, dsn, given.finished))
