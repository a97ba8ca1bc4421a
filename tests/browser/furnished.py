"""Installations to look at: made by the engine's own verbs before a server serves them, the same on each run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

import seeds
from dayfill.destinations.duckdb import ledger
from dayfill.domain.days import DayRange
from dayfill.domain.destination import Wanted
from dayfill.domain.installation import KEYRING_FILE, STATE_FILE
from dayfill.domain.run import Failure, QueryDetail
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.slices import DayOrder, DayResult, Outcome
from dayfill.domain.transfer import Configuration, SourceSetting, Table
from dayfill.engine import backfills, destinations, table_groups
from dayfill.engine.content_hash import joined_hash
from dayfill.engine.record import record
from installation import Installation
from worker import claim_some, materialise_all

NEWEST = date(2024, 6, 14)
"""Yesterday, as the clock of the installation begins at noon of the day after."""
CONTENT = "00c0ffee00c0ffee"
"""What every day of every table holds, as its hash says."""
DAILY = Schedule(Interval.DAILY, refresh_window=7, hour=5)


def ago(days: int) -> date:
    """The day this many days before the newest one."""
    return NEWEST - timedelta(days=days)


@dataclass
class House:
    """An installation under construction; what it loads lies in its folder."""

    made: Installation
    folder: Path
    warehouse: int = 0
    ids: dict[str, int] = field(default_factory=dict)
    tables: dict[int, str] = field(default_factory=dict)

    async def transfer(self, name: str, table: str, *schedules: Schedule, **settings: str | int) -> int:
        """A transfer from the made source into the warehouse; returns its id, which `ids` keeps by the name."""
        made = self.made
        async with made.db.write() as tx:
            if not self.warehouse:
                wanted = Wanted("DWH_DUCKDB", "Warehouse", {"path": str(self.folder / "warehouse.duckdb")})
                new = await destinations.create(tx, made.server.seams, made.keyring, made.team_id, wanted)
                self.warehouse = new.destination_id
            seams, tables = made.server.seams, [Table(table)]
            group = await table_groups.create(tx, seams, made.team_id, "DEMO_ADS", name, "", tables)
        given = tuple(SourceSetting(setting, value) for setting, value in settings.items())
        wanted_ = Configuration("DEMO_ADS", group.schema_id, self.warehouse, name, schedules, settings=given)
        self.ids[name] = (await seeds.create(made, wanted_)).transfer_id
        self.tables[self.ids[name]] = table
        return self.ids[name]

    async def backfill(self, transfer_id: int, first: date, last: date) -> int:
        """A new backfill of which nothing is done yet."""
        made, span = self.made, DayRange(first, last)
        async with made.db.write() as tx:
            new = await backfills.create(
                tx, made.server.seams, made.team_id, made.user_id, transfer_id, span, max_days=10_000
            )
        return new.backfill_id

    async def work(self, most: int, fail: Mapping[date, Failure] | None = None, seconds: float = 3.4) -> int:
        """Let so many of the waiting days end after these seconds, newest first; returns how many have."""
        await materialise_all(self.made)
        orders = await claim_some(self.made, most)
        self.made.now += timedelta(seconds=seconds)
        async with self.made.db.write() as tx:
            results = [(_result(order, (fail or {}).get(order.data_date)), None) for order in orders]
            await record(tx, self.made.server.seams, results)
        return len(orders)

    def fill_ledger(self) -> None:
        """Tell the warehouse of the days that are loaded: the server would take them for lost."""
        with duckdb.connect(str(self.folder / "warehouse.duckdb")) as warehouse:
            ledger.create(warehouse, "main")
            for transfer_id, table in self.tables.items():
                self.made.execute(
                    "UPDATE transfer_days SET content_hash = :hash WHERE transfer_id = :id AND row_count IS NOT NULL",
                    hash=joined_hash({table: CONTENT}),
                    id=transfer_id,
                )
                query = (
                    "SELECT data_date, token, run_id, row_count FROM transfer_days"
                    " WHERE transfer_id = :id AND settled IN ('l', 's')"
                )
                days, *numbers = zip(*self.made.execute(query, id=transfer_id), strict=True)
                loaded = pa.table(
                    [list(map(date.fromisoformat, days)), *map(list, numbers)], ["day", "token", "run", "rows"]
                )
                warehouse.register("loaded", loaded)
                warehouse.execute(
                    "INSERT INTO _dayfill_days SELECT ?, ?, day, token, run, rows, ?, now() FROM loaded",
                    [transfer_id, table, CONTENT],
                )


def _result(order: DayOrder, failure: Failure | None) -> DayResult:
    """Rows and seconds that follow from the day: more on working days, more from year to year."""
    day = order.data_date
    rows = (60 + day.toordinal() * 7919 % 23 - (25 if day.weekday() > 4 else 0)) * max(day.year - 2000, 1)
    seconds = 2.2 + day.toordinal() * 104_729 % 31 / 10
    query = QueryDetail("report", "COMPLETED", rows, seconds)
    outcome = Outcome.LOADED
    if failure is not None:
        rows, outcome = 0, Outcome.FAILED
        query = QueryDetail("report", "FAILED", 0, seconds, failure.message)
    content = None if failure else CONTENT
    return DayResult(
        order.run_id, order.token, day, outcome, rows=rows, content_hash=content, failure=failure, queries=(query,)
    )


def furnish(folder: Path, build: Callable[[House], Awaitable[None]]) -> tuple[dict[str, int], str]:
    """An installation in ``folder/data`` as a server finds it; returns the ids of its transfers by name, and a key."""

    async def make() -> tuple[dict[str, int], str]:
        made = await Installation.create(folder)
        made.execute(
            "UPDATE users SET email = 'ann@example.com', first_name = 'Ann' WHERE user_id = :id", id=made.user_id
        )
        made.execute("UPDATE teams SET name = 'Example'")
        house = House(made, folder)
        await build(house)
        house.fill_ledger()
        await made.close()
        return house.ids, made.key

    # In a thread of its own: the loop of this one drives the browser.
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(lambda: asyncio.run(make())).result()
    data = folder / "data"
    data.mkdir(mode=0o700)
    for before, after in (("state.db", STATE_FILE), ("keyring.json", KEYRING_FILE)):
        (folder / before).chmod(0o600)
        (folder / before).rename(data / after)
    return found
