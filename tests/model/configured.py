"""The transfers of stories: their tables and schedules, and what a story must know of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import msgspec

from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.table_group import of_day
from dayfill.domain.transfer import Configuration, Partition, Table

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
