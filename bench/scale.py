"""`python -m bench.scale`: many transfers with a window of days each, through the real dispatcher, with no-op slices.

Prints how many runs a second it holds, and what a turn of its loop costs while the finished history grows. With
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
from bench.world import World, dispatching, world
from dayfill.domain.days import DayRange
from dayfill.domain.run import Priority, Trigger
from dayfill.domain.transfer import Configuration, SourceSetting, Table
from dayfill.engine import runs, table_groups, transfers
from dayfill.engine.dispatch import Dispatcher
from dayfill.store import transfers as stored
from dayfill.store.db import Tx, micros

ROUNDS = 5
LAST = date(2020, 1, 31)
STRETCH_SECONDS = 5.0


async def main(folder: Path, count: int, days: int, seconds: float, postgresql: str | None, finished: int = 0) -> None:
    source = {"path": str(folder / "none.csv"), "date_column": "day"}
    async with world(folder, source, postgresql=postgresql) as here:
        began = time.perf_counter()
        made = await _fill(here, count, days)
        took = time.perf_counter() - began
        print(f"{count} transfers x {days} days queued in {took:.1f} s: {count * days / took:,.0f} rows/s")
        if finished:
            return await _compare(here, folder, postgresql, finished, made, days)
        async with dispatching(here.state, NoOp()) as dispatcher:
            dispatcher.wake()
            await _watch(dispatcher, count * days, seconds)


async def _fill(here: World, count: int, days: int) -> list[int]:
    """More transfers like the first one, by id, and waiting runs of the window of each."""
    ids = []
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
                await _queue(here, tx, made.transfer_id, window)
                ids.append(made.transfer_id)
    return ids


async def _queue(here: World, tx: Tx, transfer_id: int, window: DayRange) -> None:
    await runs.enqueue(
        *(tx, here.state.seams, here.team_id, transfer_id, list(window)),
        trigger=Trigger.SCHEDULE,
        priority=Priority.SCHEDULE,
    )


async def _compare(
    here: World, folder: Path, postgresql: str | None, finished: int, transfer_ids: list[int], days: int
) -> None:
    """The same work, a window of the same length of each transfer, with no history and with a long one."""
    warm = await _claims(here, len(transfer_ids) * days)
    print(f"warm-up: {warm}", flush=True)
    await fill(folder, postgresql, 0, 0)
    empty = await _rounds(here, transfer_ids, days, 1)
    began = time.perf_counter()
    await fill(folder, postgresql, finished, micros(here.state.seams.now()) or 0)
    print(f"{finished:,} finished runs written in {time.perf_counter() - began:.0f} s", flush=True)
    full = await _rounds(here, transfer_ids, days, 2 + ROUNDS)
    for name, before, after in (
        ("claim, the look before it included: median of all", empty.claim_ms, full.claim_ms),
        ("turns for 1,000 runs: mean", empty.work_ms, full.work_ms),
        ("round trips to the database in a turn: mean", empty.trips / empty.turns, full.trips / full.turns),
    ):
        print(f"{name}, {before:.2f} empty, {after:.2f} with {finished:,} finished, {after / before:.2f} x")


async def _rounds(here: World, transfer_ids: list[int], days: int, first: int) -> Cost:
    """All rounds but the first one, which warms up; each has days of its own."""
    found = []
    for number in range(first, first + 1 + ROUNDS):
        end = LAST + timedelta(days=number * days)
        for batch in _batches(range(len(transfer_ids)), 200):
            async with here.state.db.write() as tx:
                for place in batch:
                    await _queue(here, tx, transfer_ids[place], DayRange(end - timedelta(days=days - 1), end))
        found.append(await _claims(here, len(transfer_ids) * days))
        print(f"  {found[-1]}", flush=True)
    return together(found[1:])


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
