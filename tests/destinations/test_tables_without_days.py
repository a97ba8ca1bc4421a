"""Tables without days: replaced as a whole, by nobody older, and never mixed with days."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from threading import Barrier

import pyarrow as pa
import pytest
from warehouse import Warehouse, a_day, stamped

from dayfill.destinations import DayOutcome, FinishedDay, FinishedTable
from dayfill.domain.days import WHOLE
from dayfill.errors import Permanent

LOADED, STALE = DayOutcome.LOADED, DayOutcome.STALE


def a_whole(version: int, count: int = 10, token: int = 0, name: str = "pages", transfer_id: int = 7) -> FinishedDay:
    rows = pa.table({"version": pa.array([version] * count, pa.int64())})
    token = token or version
    return FinishedDay(transfer_id, WHOLE, 1000 + token, token, (FinishedTable(name, None, rows, f"hash-{token}"),))


def versions(warehouse: Warehouse, table: str = "pages") -> list[int]:
    return warehouse.ask(f"SELECT version FROM {table}").column("version").to_pylist()


def test_a_table_is_replaced_as_a_whole_and_has_one_row_in_the_ledger(warehouse: Warehouse) -> None:
    for version, count in ((1, 10), (2, 3), (3, 0), (4, 5)):
        assert warehouse.load(a_whole(version, count)) == [LOADED]
        assert versions(warehouse) == [version] * count
        assert warehouse.ledger() == {("pages", WHOLE): (version, count)}


def test_an_older_reading_is_refused_and_changes_nothing(warehouse: Warehouse) -> None:
    warehouse.load(a_whole(5))
    assert warehouse.load(a_whole(4)) == [STALE]
    assert versions(warehouse) == [5] * 10


def test_two_readings_at_once_do_not_mix(warehouse: Warehouse) -> None:
    meet = Barrier(2)

    def load(version: int) -> list[DayOutcome]:
        meet.wait(10)
        return warehouse.load(a_whole(version))

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(load, (1, 2)))
    assert outcomes[1] == [LOADED]
    assert versions(warehouse) == [2] * 10


@pytest.mark.parametrize("rival", [7, 8])
def test_a_table_does_not_change_between_days_and_a_whole(warehouse: Warehouse, rival: int) -> None:
    """Neither for the transfer that loaded it nor for the next one: tokens of one kind say nothing of the other."""
    warehouse = warehouse.with_rivals({rival})
    warehouse.load(a_day(stamped(1)), a_day(stamped(1, offset=1), 1))
    warehouse.load(a_whole(1))
    before = warehouse.readings(), versions(warehouse)
    with pytest.raises(Permanent, match="visits was loaded by day and is now to be replaced as a whole") as first:
        warehouse.load(a_whole(9, name="visits", transfer_id=rival))
    day = a_day(stamped(9), token=9, names=["pages"], transfer_id=rival)
    with pytest.raises(Permanent, match="pages was loaded as a whole and is now to be replaced by day") as second:
        warehouse.load(day)
    assert {first.value.cause, second.value.cause} == {"OWNERSHIP"}
    assert (warehouse.readings(), versions(warehouse)) == before


def test_a_whole_is_of_no_day(warehouse: Warehouse) -> None:
    with pytest.raises(Permanent, match="pages has no days"):
        warehouse.load(replace(a_whole(1), data_date=date(2024, 1, 1)))


def test_what_the_table_holds_is_read_and_counted_as_a_whole(warehouse: Warehouse) -> None:
    warehouse.load(a_whole(1, 4))
    warehouse.ask("ALTER TABLE pages ADD COLUMN since DATE")
    found: list[pa.RecordBatch] = []
    (table,) = a_whole(1).tables
    warehouse.destination.read_day(warehouse.config, table, WHOLE, found.append)
    assert pa.Table.from_batches(found).column("version").to_pylist() == [1] * 4
    (held,) = warehouse.destination.held(warehouse.config, 7, ["pages"])
    assert held.counts == ({WHOLE: 4},)
