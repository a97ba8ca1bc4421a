"""A case by dayfill: a backfill of the days, through the dispatcher and the load of a server, its state included."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.postgres_server import PostgresServer

from bench.peers.cases import SCHEMA, Case, Size, Sources, Taken
from bench.world import World, dispatching, world
from dayfill.domain.backfill import BackfillStatus
from dayfill.domain.days import DayRange
from dayfill.domain.destination import Wanted
from dayfill.domain.transfer import Field, Table, Value
from dayfill.engine.dispatch import Dispatcher
from dayfill.executors.threads import ThreadsExecutor

Round = Callable[[], Awaitable[Taken]]
# A CSV does not say what its columns are. The types are those that the program of the peer names too.
_OF_CSV = {
    **dict.fromkeys(("id", "campaign", "clicks"), "INTEGER"),
    **dict.fromkeys(("country", "label"), "STRING"),
    **{"day": "DATE", "cost": "DECIMAL(18,6)", "share": "FLOAT", "seen": "TIMESTAMPTZ"},
}


@asynccontextmanager
async def rounds(
    folder: Path, case: Case, size: Size, sources: Sources, server: PostgresServer, place: str
) -> AsyncIterator[Round]:
    """A transfer of its own; each round asks for all days, and ends when the last of them is COMPLETED."""
    kind, settings = _source(case, sources, server)
    fields = tuple(Field(name, name, kept) for name, kept in _OF_CSV.items()) if case.source == "csv" else ()
    wanted = _destination(case, server, place)
    async with world(folder, settings, Table("days", fields), kind=kind, destination=wanted) as here:
        async with dispatching(here.state, ThreadsExecutor(8), files=sources.folder) as dispatcher:
            yield lambda: _round(here, dispatcher, size)


async def _round(here: World, dispatcher: Dispatcher, size: Size) -> Taken:
    began, worked = time.perf_counter(), time.process_time()
    asked = await here.backfill(DayRange(size.dates[0], size.dates[-1]))
    dispatcher.wake()
    ended = await here.ended(asked.backfill_id)
    taken = Taken(time.perf_counter() - began, time.process_time() - worked)
    assert ended.status is BackfillStatus.COMPLETED and ended.rows_total == size.days * size.rows, ended
    return taken


def _source(case: Case, sources: Sources, server: PostgresServer) -> tuple[str, dict[str, Value]]:
    if case.source == "postgresql":
        at: dict[str, Value] = {**_reached(server, sources.database), "engine": "postgresql", "table": "days"}
        return "SQL", {**at, "date_column": "day"}
    return "FILES", {"path": str(sources.folder / f"{{date}}.{case.source}"), "date_column": "day"}


def _destination(case: Case, server: PostgresServer, place: str) -> Wanted:
    if case.destination == "postgresql":
        return Wanted("DWH_POSTGRESQL", "warehouse", {**_reached(server, place), "schema": SCHEMA})
    return Wanted("DWH_DUCKDB", "warehouse", {"path": place, "schema": SCHEMA})


def _reached(server: PostgresServer, database: str) -> dict[str, str]:
    at = server.address
    return {"host": at["host"], "port": at["port"], "user": at["user"], "database": database, "tls": "disable"}
