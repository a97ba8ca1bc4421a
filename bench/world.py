"""An installation to measure on: a team, a DuckDB warehouse, a transfer from files, a dispatcher beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from dayfill.app import SPOOL, State, open_state
from dayfill.domain.access import SCOPES, Role
from dayfill.domain.addresses import networks
from dayfill.domain.backfill import ACTIVE, Backfill
from dayfill.domain.days import DayRange
from dayfill.domain.reach import Reach, Reaches
from dayfill.domain.transfer import Configuration, SourceSetting, Table, Value
from dayfill.engine import backfills, destinations, keys, table_groups, teams, transfers
from dayfill.engine.away import Away
from dayfill.engine.destinations import Wanted
from dayfill.engine.dispatch import Dispatcher
from dayfill.engine.spool_folder import swept
from dayfill.executors import Executor
from dayfill.settings import Settings
from dayfill.store import backfills as stored

MAX_DAYS = 10_000
DISPATCHER = "dispatcher"
"""Name of its task: the looks at destinations beside it have others."""


@dataclass(frozen=True, slots=True)
class World:
    """What a measurement needs of an installation."""

    state: State
    team_id: int
    user_id: int
    key: str
    transfer_id: int
    warehouse: Path

    async def backfill(self, days: DayRange) -> Backfill:
        async with self.state.db.write() as tx:
            return await backfills.create(
                tx, self.state.seams, self.team_id, self.user_id, self.transfer_id, days, max_days=MAX_DAYS
            )

    async def ended(self, backfill_id: int) -> Backfill:
        """The backfill once it is no longer active."""
        while True:
            backfill = await stored.get(self.state.db, self.team_id, backfill_id)
            assert backfill is not None
            if backfill.status not in ACTIVE:
                return backfill
            await asyncio.sleep(0.005)


@asynccontextmanager
async def world(
    folder: Path,
    source: Mapping[str, Value],
    table: str | Table = "days",
    postgresql: str | None = None,
    *,
    kind: str = "FILES",
    destination: Wanted | None = None,
) -> AsyncIterator[World]:
    """A fresh installation with one transfer. source: settings of the source of this kind. postgresql: the state's
    DSN. destination: a DuckDB file if none is wanted.
    """
    warehouse = folder / "warehouse.duckdb"
    async with open_state(Settings(folder / "data", state=postgresql)) as state:
        async with state.db.write() as tx:
            team = await teams.create(tx, state.seams, "Bench")
            owner = await teams.add_member(tx, state.seams, team.team_id, "bench@example.com", Role.OWNER)
            key = await keys.create(
                tx, state.seams, state.keyring, team.team_id, owner.user_id, scopes=SCOPES, description="bench"
            )
            tables = [table if isinstance(table, Table) else Table(table)]
            group = await table_groups.create(tx, state.seams, team.team_id, kind, "bench", "", tables)
            wanted = destination or Wanted("DWH_DUCKDB", "warehouse", {"path": str(warehouse)})
            made = await destinations.create(tx, state.seams, state.keyring, team.team_id, wanted)
            settings = tuple(SourceSetting(name, value) for name, value in source.items())
            configuration = Configuration(kind, group.schema_id, made.destination_id, "Bench", settings=settings)
            transfer = await transfers.create(tx, state.seams, team.team_id, owner.user_id, configuration)
        yield World(state, team.team_id, owner.user_id, key.text, transfer.transfer_id, warehouse)


@asynccontextmanager
async def dispatching(
    state: State, executor: Executor, away: Away | None = None, files: Path | None = None
) -> AsyncIterator[Dispatcher]:
    """A dispatcher at work on this state until the block ends. files: where they may lie, if not beside the state."""
    spool = swept(state.data_dir / SPOOL)
    reaches = Reaches(Reach((str(files or state.data_dir.parent),), nets=networks(["127.0.0.0/8"])))
    of_state = state.seams, executor, state.keyring.open, state.installation_id
    dispatcher = Dispatcher(state.db.leading(), *of_state, spool, reaches, away)
    task = asyncio.create_task(dispatcher.run(), name=DISPATCHER)
    try:
        yield dispatcher
    finally:
        dispatcher.stop()
        await task
        dispatcher.close()
