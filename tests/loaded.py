"""An installation on the disk with loaded days: a CSV file, its transfer and a DuckDB warehouse."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from dayfill.app import SPOOL, State, open_state
from dayfill.cli.installation import first_key
from dayfill.destinations.duckdb import pool
from dayfill.domain.backfill import ACTIVE
from dayfill.domain.days import WHOLE, DayRange
from dayfill.domain.transfer import Configuration, SourceSetting, Table
from dayfill.engine import backfills, destinations, runs, table_groups, transfers
from dayfill.engine.destinations import Wanted
from dayfill.engine.dispatch import Dispatcher
from dayfill.engine.spool_folder import swept
from dayfill.executors.threads import ThreadsExecutor
from dayfill.settings import Settings
from dayfill.store import backfills as stored
from reaching import TEMPS

FIRST = date(2024, 3, 1)


def day(number: int) -> date:
    """The days of the file, counted from 0."""
    return FIRST + timedelta(days=number)


@dataclass
class Loaded:
    """One transfer, 1, from ``visits.csv`` into table visits of ``warehouse.duckdb``; two rows a day."""

    folder: Path
    days: int = 5

    @property
    def directory(self) -> Path:
        return self.folder / "data"

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def write_source(self, changed: Sequence[date] = ()) -> None:
        """The source's file; changed: days whose rows are now other ones."""
        lines = ["day,page,n"]
        for number in range(self.days):
            one = day(number)
            lines += [f"{one},home,{number + (100 if one in changed else 0)}", f"{one},about,{number + 7}"]
        (self.folder / "visits.csv").write_text("\n".join(lines) + "\n")

    @classmethod
    def make(cls, folder: Path, days: int = 5) -> Loaded:
        made = cls(folder, days)
        made.write_source()
        asyncio.run(made._set_up())
        made.backfill(0, days - 1)
        return made

    async def _set_up(self) -> None:
        async with open_state(Settings(self.directory)) as state:
            await first_key(state)
            async with state.db.write() as tx:
                group = await table_groups.create(tx, state.seams, 1, "FILES", "Visits", "", [Table("visits")])
                wanted = Wanted("DWH_DUCKDB", "Warehouse", {"path": str(self.warehouse)})
                target = await destinations.create(tx, state.seams, state.keyring, 1, wanted)
                settings = {"path": str(self.folder / "visits.csv"), "date_column": "day"}
                chosen = Configuration(
                    *("FILES", group.schema_id, target.destination_id, "Visits"),
                    settings=tuple(SourceSetting(name, value) for name, value in settings.items()),
                )
                await transfers.create(tx, state.seams, 1, 1, chosen)

    def backfill(self, first: int, last: int, only: Sequence[str] = ()) -> None:
        """Load these days, by their numbers, with a dispatcher that then stops in order."""

        async def create(state: State) -> int:
            async with state.db.write() as tx:
                span = DayRange(day(first), day(last))
                made = await backfills.create(tx, state.seams, 1, 1, 1, span, only=only, max_days=10_000)
            return made.backfill_id

        asyncio.run(self._work(create))
        pool.close_all()

    def refresh_whole(self) -> None:
        """Load the tables without days, and a day beside them."""

        async def create(state: State) -> int:
            async with state.db.write() as tx:
                span = DayRange(day(0), day(0))
                await runs.run_now(tx, state.seams, 1, 1, dates=[WHOLE])
                made = await backfills.create(tx, state.seams, 1, 1, 1, span, max_days=10_000)
            return made.backfill_id

        asyncio.run(self._work(create))
        pool.close_all()

    def work_off(self, backfill_id: int) -> None:
        """Let a dispatcher complete a backfill that is there, then stop in order."""

        async def known(_state: State) -> int:
            return backfill_id

        asyncio.run(self._work(known))
        pool.close_all()

    async def _work(self, begin: Callable[[State], Awaitable[int]]) -> None:
        async with open_state(Settings(self.directory)) as state:
            executor = ThreadsExecutor(2)
            dispatcher = Dispatcher(
                *(state.db, state.seams, executor, state.keyring.open, state.installation_id),
                *(swept(self.directory / SPOOL), TEMPS),
            )
            task = asyncio.create_task(dispatcher.run())
            backfill_id = await begin(state)
            dispatcher.wake()
            await self._ended(state, backfill_id)
            dispatcher.stop()
            await task
            executor.close()

    async def _ended(self, state: State, backfill_id: int) -> None:
        while True:
            found = await stored.get(state.db, 1, backfill_id)
            assert found is not None
            if found.status not in ACTIVE:
                assert found.status == "COMPLETED"
                return
            await asyncio.sleep(0.005)

    def in_state(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Look at the state, or damage it."""
        state = sqlite3.connect(self.directory / "state.sqlite")
        with state:
            found = state.execute(statement, values).fetchall()
        state.close()
        return found

    def in_warehouse(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Look at the warehouse, or damage it."""
        with duckdb.connect(str(self.warehouse)) as con:
            return con.execute(statement, list(values)).fetchall()

    def states(self) -> str:
        """The settled state of each known day, oldest first."""
        return "".join(str(row[0]) for row in self.in_state("SELECT settled FROM transfer_days ORDER BY data_date"))
