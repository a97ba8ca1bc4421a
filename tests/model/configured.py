"""The transfers and warehouses of stories: how they are set up and changed, and what a story must know of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import msgspec

import seeds
from dayfill.domain.destination import Wanted
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.table_group import of_day
from dayfill.domain.transfer import Configuration, Partition, SourceSetting, Table
from dayfill.engine import destinations
from installation import Installation

VISITS, ORDERS, LINES, PAGES = Table("visits"), Table("orders"), Table("lines"), Table("pages", (), Partition.NONE)
"""Those of transfers; pages have no days."""
SCHEDULES = (Schedule(Interval.DAILY, refresh_window=2, hour=13), Schedule(Interval.HOURLY))


@dataclass(frozen=True)
class Transfer:
    """What a story must know of a transfer."""

    configuration: Configuration
    tables: tuple[Table, ...]
    is_deleted: bool

    @classmethod
    def of(cls, configuration: str, tables: str, is_deleted: bool) -> Transfer:
        decoded = msgspec.json.decode(tables, type=tuple[Table, ...])
        return cls(msgspec.json.decode(configuration, type=Configuration), decoded, is_deleted)

    def names(self, day: date) -> set[str]:
        """The tables that a run of this day fills."""
        return {table.name for table in of_day(self.tables, day)}

    @property
    def flavour(self) -> str:
        return str(self.configuration.settings[0].value)


async def warehouse(made: Installation) -> None:
    """The warehouse of a team: its id is the team's."""
    async with made.db.write() as tx:
        wanted = Wanted("DWH_DUCKDB", "Warehouse", {})
        await destinations.create(tx, made.server.seams, made.keyring, made.team_id, wanted)


async def transfer(made: Installation, name: str, tables: tuple[Table, ...], schedule: Schedule) -> int:
    """A transfer of the team that acts, into its warehouse."""
    group = await seeds.group(made, *(replace(table, name=f"{name}_{table.name}") for table in tables), name=name)
    settings = {"flavour": "a", "deadline_seconds": 600, "weight": 1}
    wanted = Configuration(
        data_source_id="FILES",
        schema_id=group.schema_id,
        destination_id=made.team_id,
        display_name=name,
        schedules=(schedule,),
        settings=tuple(SourceSetting(*setting) for setting in settings.items()),
    )
    return (await seeds.create(made, wanted)).transfer_id


def other_flavour(old: Configuration) -> Configuration:
    """What it loads is no longer what it would load."""
    flavour, *others = old.settings
    return replace(old, settings=(SourceSetting("flavour", chr(ord(str(flavour.value)) + 1)), *others))


def weighing(old: Configuration, weight: int) -> Configuration:
    return replace(old, settings=(*old.settings[:-1], SourceSetting("weight", weight)))
