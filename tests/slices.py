"""One slice of three days, with its source and destination, loaded where a test wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from dayfill.domain.slices import DayOrder, DayResult, DestinationJob, Slice, SourceJob
from dayfill.domain.transfer import Table
from dayfill.engine.brakes import Brakes
from dayfill.engine.load_slice import load_slice
from dayfill.seams import system_seams
from rig import ago
from scripted import MemoryDestination, ScriptedSource

SEAMS = system_seams()
DAYS = [ago(0), ago(1), ago(2)]
PLAIN, WAREHOUSE = SourceJob("FILES", {}), DestinationJob("DWH_DUCKDB", {})


class Bench:
    """A slice of three days, its source and its destination, and a clock that stands still."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.source, self.destination = ScriptedSource(), MemoryDestination()
        self.brakes = Brakes()
        self.seconds = 0.0

    def load(
        self,
        *days: date,
        tables: tuple[str, ...] = ("visits",),
        failpoint: Callable[[str], None] = lambda name: None,
        source: SourceJob = PLAIN,
        destination: DestinationJob = WAREHOUSE,
        unseal: Callable[[bytes, str], bytes] = lambda sealed, _: sealed,
    ) -> dict[date, DayResult]:
        orders = tuple(DayOrder(day, run_id=n, token=100 + n) for n, day in enumerate(days or DAYS))
        job = Slice(
            "here",
            team_id=1,
            transfer_id=7,
            source=source,
            tables=tuple(Table(name) for name in tables),
            destination=destination,
            days=orders,
            deadline_seconds=60,
        )
        seams = replace(SEAMS, monotonic=lambda: self.seconds, failpoint=failpoint)
        results = load_slice(job, seams, unseal, self.spool, self.brakes)
        assert [(r.run_id, r.token, r.data_date) for r in results] == [(o.run_id, o.token, o.data_date) for o in orders]
        return {result.data_date: result for result in results}


def causes(results: dict[date, DayResult]) -> dict[date, str]:
    """The cause of each failed day."""
    return {day: result.failure.cause for day, result in results.items() if result.failure}
