"""What the tests of transfers start from: a destination, a table group, a transfer, made by the engine's verbs."""

from __future__ import annotations

from dataclasses import replace

from dayfill.domain.connection import Connection
from dayfill.domain.days import DayRange
from dayfill.domain.destination import Destination, Wanted
from dayfill.domain.query import Query, QueryStatus
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.transfer import Configuration, SourceSetting, Table, TableGroup, Transfer
from dayfill.engine import connections, destinations, table_groups, transfers
from dayfill.engine.query_shelf import Kept, Owner, QueryError
from installation import Installation

DAILY = Schedule(Interval.DAILY, refresh_window=2, hour=6)
PATH = SourceSetting("path", "/data/flights.csv")


async def destination(made: Installation, name: str = "Warehouse", path: str = "", team_id: int = 0) -> Destination:
    """A DuckDB file that nobody opens; its path follows from its name."""
    wanted = Wanted("DWH_DUCKDB", name, {"path": path or f"/srv/{name}.duckdb"})
    async with made.db.write() as tx:
        return await destinations.create(tx, made.server.seams, made.keyring, team_id or made.team_id, wanted)


async def group(made: Installation, *tables: str | Table, name: str = "Group", team_id: int = 0) -> TableGroup:
    """A table group of FILES whose columns the source decides."""
    async with made.db.write() as tx:
        wanted = [one if isinstance(one, Table) else Table(one) for one in tables or ("flights",)]
        return await table_groups.create(tx, made.server.seams, team_id or made.team_id, "FILES", name, "", wanted)


async def login(made: Installation, data_source_id: str = "FILES", team_id: int = 0) -> Connection:
    """A login of the owner at a source, as a data-source connection makes it."""
    async with made.db.write() as tx:
        return await connections.create(
            tx, made.server.seams, team_id or made.team_id, made.user_id, data_source_id, "DWH_DUCKDB"
        )


async def configuration(made: Installation, name: str = "Flights", **changes: object) -> Configuration:
    """A correct configuration with a destination and a table group of its own, then changed."""
    made_group = await group(made, f"{name.lower()}_rows", name=name)
    made_destination = await destination(made, name=f"{name} warehouse")
    plain = Configuration(
        data_source_id="FILES",
        schema_id=made_group.schema_id,
        destination_id=made_destination.destination_id,
        display_name=name,
        schedules=(DAILY,),
        settings=(PATH,),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


async def transfer(made: Installation, name: str = "Flights", **changes: object) -> Transfer:
    """A transfer as its owner would create it."""
    return await create(made, await configuration(made, name, **changes))


def query(made: Installation, schedule_id: str, status: QueryStatus) -> None:
    """A query of the owner's that is under way or has failed, without asking any source."""
    day = made.now.date()
    asked = Query("DEMO_ADS", DayRange(day, day), "UTC", 60)
    one = Kept(Owner(made.team_id, made.user_id), schedule_id, "", asked, None, 0)
    one.status = status
    if status.is_final:
        one.error = QueryError("SOURCE", "The source is not there.")
        one.end(status, made.server.seams.monotonic())
    made.server.queries._shelf.add(one)


async def create(made: Installation, wanted: Configuration) -> Transfer:
    async with made.db.write() as tx:
        return await transfers.create(tx, made.server.seams, made.team_id, made.user_id, wanted)


async def update(made: Installation, transfer_id: int, wanted: Configuration) -> Transfer:
    async with made.db.write() as tx:
        return await transfers.update(tx, made.server.seams, made.team_id, transfer_id, wanted)
