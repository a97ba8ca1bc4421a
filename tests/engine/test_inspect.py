"""What a look at the tables of a transfer finds: rows that are not those of which the ledger speaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from dayfill import destinations
from dayfill.destinations import DestinationConfig, HeldTable, LedgerRow
from dayfill.domain.slices import TransferJob
from dayfill.domain.transfer import Table
from dayfill.engine.inspect import Inspected, inspect
from reaching import TEMP
from rig import ago
from scripted import LONG_AGO, known, unsealed
from slices import PLAIN, WAREHOUSE

Counts = tuple[Mapping[date, int], ...] | None
Look = Callable[[Mapping[date, int], Counts], Any]


class Warehouse:
    """Holds one table, `visits`; notes how it was asked."""

    kind = "DWH_DUCKDB"

    def __init__(self, said: Mapping[date, int], counts: Counts) -> None:
        rows = [LedgerRow(7, "visits", day, 3, 1, count, "hash", LONG_AGO) for day, count in said.items()]
        self.table, self.asked = HeldTable("visits", tuple(rows), counts), list[object]()

    def held(self, config: DestinationConfig, transfer_id: int, tables: Sequence[str]) -> list[HeldTable]:
        self.asked += [config, transfer_id, list(tables)]
        return [self.table]


JOB = TransferJob(
    transfer_id=7,
    team_id=1,
    connection_id=1,
    connection_parallelism=1,
    requests_per_minute=None,
    parked_until=None,
    parallelism=1,
    deadline_seconds=60,
    zone="UTC",
    source=PLAIN,
    tables=(Table("visits"),),
    destination_id=1,
    destination_parked_until=None,
    destination=WAREHOUSE,
)


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Look at a warehouse whose ledger says this many rows by day, and whose table has these."""

    def looked(said: Mapping[date, int], counts: Counts) -> Inspected:
        warehouse = Warehouse(said, counts)
        monkeypatch.setattr(destinations, "get", known(lambda: warehouse))
        found = inspect(JOB, "here", unsealed, TEMP)
        config = DestinationConfig("here", {}, rivals=frozenset(), read_only=True, reach=TEMP)
        assert warehouse.asked == [config, 7, ["visits"]]
        return found

    return looked


def test_what_agrees_is_told_by_the_ledger_alone(look: Look) -> None:
    """A day without rows has none to count."""
    found = look({ago(0): 2, ago(1): 0}, ({ago(0): 2},))
    assert [(one.data_date, one.row_count) for one in found.ledger] == [(ago(1), 0), (ago(0), 2)]
    assert found.differing == {}


def test_every_day_that_differs_says_how(look: Look) -> None:
    found = look({ago(0): 2000, ago(1): 3, ago(2): 1}, ({ago(0): 1999, ago(2): 1, ago(5): 4000},))
    assert found.differing == {
        ago(0): ["table visits has 1,999 rows, its ledger says 2,000: it was edited or restored"],
        ago(1): ["table visits has 0 rows, its ledger says 3: it was edited or restored"],
        ago(5): ["table visits has 4,000 rows and no ledger row: put in or deleted by hand"],
    }


@pytest.mark.parametrize("counts", [None, ()])
def test_a_table_that_is_gone_is_missed_by_all_its_days(look: Look, counts: Counts) -> None:
    found = look({ago(0): 2, ago(1): 1000}, counts)
    gone = "table visits is gone or has no dates any more, its ledger says"
    assert found.differing == {ago(0): [f"{gone} 2 rows"], ago(1): [f"{gone} 1,000 rows"]}


@pytest.mark.parametrize(
    ("said", "others", "days", "differing"),
    [
        # Its empty days count as agreeing, though the other column has rows on all of them.
        ({ago(0): 2, ago(1): 0, ago(2): 0}, {ago(0): 2, ago(1): 1, ago(2): 1}, {ago(0): 2}, []),
        # Days that it has all count for it, though the other column is wrong about fewer.
        ({ago(0): 2, ago(1): 2}, {ago(9): 1}, {ago(0): 2, ago(1): 2}, []),
        # Days that only the other column knows count against it, though each has a single row.
        ({ago(0): 3}, {ago(0): 3, ago(8): 1, ago(9): 1}, {ago(0): 2}, [ago(0)]),
    ],
)
def test_of_several_columns_of_dates_the_best_counts(
    look: Look, said: Mapping[date, int], others: Mapping[date, int], days: Mapping[date, int], differing: list[date]
) -> None:
    for counts in ((others, days), (days, others)):
        assert list(look(said, counts).differing) == differing
