"""Days from place to place, by dayfill and by dlt in turns; afterwards both places must hold the same."""

from __future__ import annotations

import asyncio
import statistics
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from tests.postgres_server import AS_IT_COMES, PostgresServer, own_server, sql

from bench.peers import dlt, ours
from bench.peers.cases import CASES, SIZES, Case, Size, Sources, Taken, totals_of
from bench.table import Figure

_numbers = count(1)


async def measure(folder: Path) -> tuple[list[Figure], dict[str, str]]:
    """Rows a second, and the versions of the packages that dlt worked with."""
    figures: list[Figure] = []
    versions: dict[str, str] = {}
    with own_server(AS_IT_COMES) as server:
        for size in SIZES:
            at = folder / f"{size.days}-days"
            at.mkdir()
            sources = Sources.make(at, server, size)
            for case in CASES:
                figures.append(await _compared(at / f"{case}", case, size, sources, server, versions))
                print(f"{figures[-1].name}: {figures[-1].ratio:.1f} x", flush=True)
    return figures, versions


async def _compared(
    folder: Path, case: Case, size: Size, sources: Sources, server: PostgresServer, versions: dict[str, str]
) -> Figure:
    """Rounds in turns, the first of which does not count."""
    ways = dlt.ways(case, size)
    places = [_place(folder / f"{number}", case, server) for number in range(1 + len(ways))]
    with ExitStack() as stack:
        peers = [
            stack.enter_context(dlt.peer(folder / f"{number}", case, size, sources, server, places[number], way))
            for number, way in enumerate(ways, 1)
        ]
        versions.update(peers[0].versions)
        async with ours.rounds(folder / "0", case, size, sources, server, places[0]) as one_round:
            taken = [
                [await one_round(), *[await asyncio.to_thread(peer.round) for peer in peers]]
                for _ in range(1 + size.rounds)
            ]
    for place in places:
        assert (found := totals_of(case, server, place)) == sources.totals, (place, found, sources.totals)
    mine, *theirs = (
        Taken(*map(statistics.median, zip(*of_one, strict=True))) for of_one in zip(*taken[1:], strict=True)
    )
    return _figure(case, size, mine, dict(zip(ways, theirs, strict=True)))


def _figure(case: Case, size: Size, mine: Taken, theirs: dict[dlt.Way, Taken]) -> Figure:
    """Compared with the fastest way in which dlt replaces day by day; its other ways are noted."""
    rates = {way: size.days * size.rows / taken.seconds for way, taken in theirs.items()}
    by_day = max((way for way in theirs if not way.whole_range), key=rates.__getitem__)
    cpu = f"CPU a day {mine.cpu / size.days * 1e3:.1f} ms, dlt {theirs[by_day].cpu / size.days * 1e3:.0f} ms"
    note = "; ".join([cpu, *(f"{way}: {rate:,.0f}" for way, rate in rates.items() if way != by_day)])
    ours = size.days * size.rows / mine.seconds
    return Figure(f"{case}, {size}", ours, rates[by_day], "rows/s", f"rows/s, dlt {by_day}", size.goal, True, note)


def _place(folder: Path, case: Case, server: PostgresServer) -> str:
    """Where to load: the name of a new database, or the path of a file."""
    folder.mkdir(parents=True)
    if case.destination == "duckdb":
        return str(folder / "warehouse.duckdb")
    name = f"warehouse_{next(_numbers)}"
    sql(server.dsn(), f"CREATE DATABASE {name}")
    return name
