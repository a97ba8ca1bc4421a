"""What a destination says of its tables, and how it reads a day back; nothing is made by looking."""

from __future__ import annotations

import pyarrow as pa
import pytest
from warehouse import TRANSFER, Warehouse, a_day, on, stamped

from dayfill import destinations
from dayfill.destinations import FinishedTable
from dayfill.errors import Permanent

OWN_TYPES = {pa.bool_(): True, pa.json_(): '{"a": 1}', pa.uuid(): b"0123456789abcdef", pa.decimal128(9, 2): "0.01"}
"""Those that a driver hands over as something else."""


def read(warehouse: Warehouse, wanted: pa.Schema, offset: int = 0, column: str = "data_date") -> pa.Table:
    """A day of ``visits`` in these columns."""
    batches: list[pa.RecordBatch] = []
    table = FinishedTable("visits", column, wanted.empty_table(), "")
    warehouse.destination.read_day(warehouse.config, table, on(offset), batches.append)
    return pa.Table.from_batches(batches, wanted)


def test_before_the_first_load_there_is_nothing_and_looking_makes_nothing(warehouse: Warehouse) -> None:
    held = warehouse.destination.held(warehouse.config, TRANSFER, ["visits"])
    assert [(one.name, one.ledger, one.counts) for one in held] == [("visits", (), None)]
    assert read(warehouse, stamped(1).schema).num_rows == 0
    assert warehouse.destination.ledger(warehouse.config, TRANSFER) == []
    assert warehouse.destination.greatest_token(warehouse.config) == 0


def test_rows_are_counted_by_each_column_that_holds_dates(warehouse: Warehouse) -> None:
    days = [on(7), on(7), None]
    warehouse.load(a_day(stamped(1, 3, 0, sold=pa.array(days, pa.date32()))), a_day(stamped(2, 2, 1), 1))
    warehouse.ask('ALTER TABLE visits ADD COLUMN "by hand" DATE')
    visits, costs = warehouse.destination.held(warehouse.config, TRANSFER, ["visits", "costs"])
    assert visits.counts == ({on(0): 3, on(1): 2}, {on(7): 2})
    assert [(row.data_date, row.row_count) for row in visits.ledger] == [(on(0), 3), (on(1), 2)]
    assert (costs.ledger, costs.counts) == ((), None)


def test_a_day_is_read_back_in_the_columns_of_another_reading(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(5, 2)), a_day(stamped(6, 1, 1), 1))
    wanted = pa.schema([("version", pa.int32()), ("Data_Date", pa.date32()), ("new", pa.string())])
    assert read(warehouse, wanted).to_pylist() == [{"version": 5, "Data_Date": on(0), "new": None}] * 2
    assert read(warehouse, wanted, 1)["version"].to_pylist() == [6]
    assert read(warehouse, wanted, 2).num_rows == 0
    assert read(warehouse, wanted, column="other_date").num_rows == 0


def test_values_come_back_in_the_types_that_were_loaded(warehouse: Warehouse) -> None:
    columns = {of: pa.array([value, None]).cast(of) for of, value in OWN_TYPES.items()}
    rows = stamped(1, 2, 0, **{f"c{i}": column for i, column in enumerate(columns.values())})
    warehouse.load(a_day(rows))
    assert sorted(read(warehouse, rows.schema).to_pylist(), key=str) == sorted(rows.to_pylist(), key=str)


def test_dates_beyond_all_days_are_no_days(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1, 3)))
    warehouse.ask("INSERT INTO visits (data_date) VALUES (DATE '290000-01-01')")
    (visits,) = warehouse.destination.held(warehouse.config, TRANSFER, ["visits"])
    assert visits.counts == ({on(0): 3},)


@pytest.mark.parametrize(
    "edit",
    [
        "token = NULL",
        "row_count = NULL",
        "loaded_at = 'infinity'",
        "data_date = DATE '290000-01-01'",
    ],
)
def test_a_ledger_row_that_dayfill_never_writes_is_named(warehouse: Warehouse, edit: str) -> None:
    warehouse.load(a_day(stamped(1)), a_day(stamped(2, offset=1), 1))
    for column in ("token", "row_count"):
        warehouse.ask(f"ALTER TABLE _dayfill_days ALTER {column} DROP NOT NULL")
    assert len(warehouse.ledger()) == 2
    warehouse.ask(f"UPDATE _dayfill_days SET {edit} WHERE data_date = DATE '{on(0)}'")
    with pytest.raises(Permanent, match=r"table visits and day .* delete it in _dayfill_days"):
        warehouse.ledger()


def test_a_load_names_a_token_that_is_none(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1)))
    warehouse.ask("ALTER TABLE _dayfill_days ALTER token DROP NOT NULL")
    warehouse.ask("UPDATE _dayfill_days SET token = NULL")
    with pytest.raises(Permanent, match="delete it in _dayfill_days"):
        warehouse.load(a_day(stamped(2), token=2))
    warehouse.ask("DELETE FROM _dayfill_days")
    assert warehouse.load(a_day(stamped(2), token=2)) == ["loaded"]


def test_a_kind_that_nobody_knows() -> None:
    with pytest.raises(Permanent, match="no destination type 'DWH_NONE'; known are DWH_DUCKDB"):
        destinations.get("DWH_NONE")
