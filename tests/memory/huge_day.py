"""Loads one huge day in a process of its own and says how much memory it took. Usage: huge_day.py FOLDER ROWS SOURCE

SOURCE is a file of the day, or ``stream`` for a source that makes the rows up while it is read.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dayfill import destinations, sources
from dayfill.destinations import DestinationConfig
from dayfill.domain.reach import Reach
from dayfill.domain.slices import DayOrder, DestinationJob, Slice, SourceJob
from dayfill.domain.transfer import Table
from dayfill.engine.brakes import Brakes
from dayfill.engine.load_slice import load_slice
from dayfill.engine.spool_folder import swept
from dayfill.errors import ConnectorError
from dayfill.seams import system_seams
from dayfill.sources import SourceConfig

DAY = date(2024, 6, 14)
BATCH_ROWS = 50_000


@dataclass
class Stream:
    """A reading of so many rows, none of which exists before it is asked for."""

    rows: int
    complete: bool = False
    stated_rows: int | None = None
    date_column: str = "day"
    failed_days: Mapping[date, ConnectorError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reader = pa.RecordBatchReader.from_batches(_batch(0, 0).schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for start in range(0, self.rows, BATCH_ROWS):
            yield _batch(start, min(BATCH_ROWS, self.rows - start))
        self.complete = True


def _batch(start: int, count: int) -> pa.RecordBatch:
    numbers = np.arange(start, start + count)
    return pa.RecordBatch.from_pydict(
        {
            "day": pa.repeat(pa.scalar(DAY, pa.date32()), count),
            "campaign": _named("campaign ", numbers % 5000),
            "visitor": _named("visitor-", numbers * 7919, digits=12),
            "clicks": pa.array(numbers % 1000),
            "impressions": pa.array(numbers * 17),
            "cost": pa.array(numbers / 7.0),
            "position": pa.array((numbers % 97) / 3.0),
        }
    )


def _named(what: str, numbers: np.ndarray, digits: int = 0) -> pa.Array:
    """The word before each number."""
    written = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(what, written, "")


@dataclass(frozen=True)
class StreamSource:
    """Meets as much of the `Source` protocol as a load asks for."""

    rows: int
    max_days_per_read: int = 1

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> Stream:
        return Stream(self.rows)


def peak_megabytes() -> float:
    """Of this process alone. What getrusage says would count the memory of the process that started it too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main(folder: Path, rows: int, source: str) -> None:
    if source == "stream":
        sources.get = lambda kind: StreamSource(rows)  # type: ignore[assignment,return-value]
    settings = {"path": source, "date_column": "day"}
    reach = Reach((str(folder), str(Path(source).parent)))
    job = Slice(
        "here",
        team_id=1,
        transfer_id=1,
        source=SourceJob("FILES", settings, max_day_rows=rows),
        tables=(Table("visits"),),
        destination=DestinationJob("DWH_DUCKDB", {"path": str(folder / "warehouse.duckdb")}),
        days=(DayOrder(DAY, run_id=1, token=1),),
        deadline_seconds=3600,
        reach=reach,
    )
    before, began = peak_megabytes(), time.monotonic()
    (result,) = load_slice(job, system_seams(), lambda sealed, sealed_for: sealed, swept(folder / "spool"), Brakes())
    seconds = time.monotonic() - began
    config = DestinationConfig("here", job.destination.fields, reach=reach)
    (held,) = destinations.get("DWH_DUCKDB").held(config, 1, ["visits"])
    told = {"outcome": result.outcome, "failure": str(result.failure), "rows": result.rows}
    there = {"held": [counts.get(DAY, 0) for counts in held.counts or ()], "ledger": held.ledger[0].row_count}
    memory = {"before": before, "peak": peak_megabytes(), "seconds": seconds, "size_bytes": result.size_bytes}
    sys.stdout.write(json.dumps(told | there | memory) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
