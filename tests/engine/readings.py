"""Reading days of the scripted source, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from dayfill.domain.transfer import Table
from dayfill.engine.extract import Bounds, Reading, extract
from dayfill.engine.spool import Spool
from dayfill.errors import ConnectorError
from dayfill.seams import system_seams
from dayfill.sources import SourceConfig

VISITS, COSTS = Table("visits"), Table("costs")


def read(
    days: Sequence[date],
    tables: Sequence[Table] = (VISITS,),
    left: Callable[[], float] = lambda: 60.0,
    spool: Path = Path("no-such-folder"),
    **bounds: int,
) -> dict[date, Reading | ConnectorError]:
    limits = Bounds(left, bounds.get("rows", 1000), bounds.get("gigabytes", 1))
    with Spool(spool, {day: f"run{day}" for day in days}) as opened:
        return extract(tables, days, SourceConfig({}), "FILES", limits, opened, system_seams())


def counts(readings: dict[date, Reading | ConnectorError]) -> dict[date, list[int]]:
    """Rows of each day in each table; failed days are left out."""
    return {
        day: [table.rows.num_rows for table in reading.tables]
        for day, reading in readings.items()
        if isinstance(reading, Reading)
    }
