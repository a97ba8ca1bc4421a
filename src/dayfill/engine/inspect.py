"""Hold the tables of a transfer against their ledger: what was edited by hand, or got lost, shows in the counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from dayfill import destinations
from dayfill.destinations import HeldTable
from dayfill.domain.reach import Reach
from dayfill.domain.slices import TransferJob
from dayfill.engine.configs import Unseal, destination_config
from dayfill.engine.ledgers import ledger_days
from dayfill.store.invariants import LedgerDay


@dataclass(frozen=True, slots=True)
class Inspected:
    """The ledger of a transfer, and by day what its tables hold otherwise than it says."""

    ledger: list[LedgerDay]
    differing: Mapping[date, list[str]]


def inspect(job: TransferJob, installation_id: str, unseal: Unseal, reach: Reach) -> Inspected:
    """Look at all tables of a transfer; nothing is changed, nothing is made.

    Raises:
        ConnectorError: the destination cannot be read.
    """
    config = replace(destination_config(job.destination, installation_id, unseal, reach), read_only=True)
    held = destinations.get(job.destination.kind).held(config, job.transfer_id, [table.name for table in job.tables])
    differing: dict[date, list[str]] = defaultdict(list)
    for table in held:
        for day, what in _differences(table):
            differing[day].append(what)
    return Inspected(ledger_days([row for table in held for row in table.ledger], job.tables), dict(differing))


def _differences(table: HeldTable) -> Iterator[tuple[date, str]]:
    said = {row.data_date: row.row_count for row in table.ledger}
    if not table.counts:  # no table, or one without a column of dates
        for day, count in said.items():
            yield day, f"table {table.name} is gone or has no dates any more, its ledger says {count:,} rows"
        return
    # Of several columns of dates that of the days is the one that agrees best.
    counts = min(table.counts, key=lambda one: sum(one.get(day, 0) != said.get(day, 0) for day in {*one, *said}))
    for day in sorted({*counts, *said}):
        there = counts.get(day, 0)
        if day not in said:
            yield day, f"table {table.name} has {there:,} rows and no ledger row: put in or deleted by hand"
        elif there != said[day]:
            yield (
                day,
                f"table {table.name} has {there:,} rows, its ledger says {said[day]:,}: it was edited or restored",
            )
