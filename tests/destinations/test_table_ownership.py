"""Conformance of every destination: a table is loaded by one transfer of one installation, or not at all."""

from __future__ import annotations

import pytest
from warehouse import TRANSFER, Warehouse, a_day, on, stamped

from dayfill.destinations import DayOutcome
from dayfill.errors import Permanent


def load(warehouse: Warehouse, transfer_id: int, *tables: str) -> None:
    day = a_day([stamped(1)] * len(tables), names=tables, transfer_id=transfer_id)
    assert warehouse.load(day) == [DayOutcome.LOADED]


def test_a_loaded_table_is_kept_by_its_owner(warehouse: Warehouse) -> None:
    load(warehouse, TRANSFER, "visits", "costs")
    load(warehouse, TRANSFER, "visits", "clicks")
    load(warehouse, TRANSFER, "visits")


def test_another_transfer_is_refused_by_name_and_owns_nothing(warehouse: Warehouse) -> None:
    load(warehouse, TRANSFER, "visits")
    with pytest.raises(Permanent, match=r"visits.*transfer 7") as refused:
        load(warehouse, 8, "costs", "visits")
    assert refused.value.cause == "OWNERSHIP"
    load(warehouse, 9, "costs")


def test_a_table_loaded_by_one_transfer_is_refused_to_another(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1)))
    with pytest.raises(Permanent) as refused:
        warehouse.load(a_day(stamped(2), token=2, transfer_id=8))
    assert refused.value.cause == "OWNERSHIP"
    assert warehouse.readings() == {on(0): [1] * 10}


def test_the_same_table_in_other_letters_is_the_same_table(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1)))
    with pytest.raises(Permanent, match="belongs to transfer 7"):
        load(warehouse, 8, "VISITS")


def test_another_installation_is_refused_even_with_the_same_transfer_number(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1)))
    elsewhere = warehouse.of_installation("elsewhere")
    with pytest.raises(Permanent, match="another installation"):
        elsewhere.load(a_day(stamped(2), token=2))


def test_rows_that_somebody_else_put_there_are_never_overwritten(warehouse: Warehouse) -> None:
    warehouse.ask("CREATE TABLE visits AS SELECT DATE '2024-01-01' AS data_date, 5::BIGINT AS version")
    with pytest.raises(Permanent, match="did not load") as refused:
        warehouse.load(a_day(stamped(1)))
    assert refused.value.cause == "OWNERSHIP"
    assert warehouse.readings() == {on(0): [5]}
    assert warehouse.ledger() == {}


def test_an_empty_table_that_somebody_made_is_taken_over(warehouse: Warehouse) -> None:
    warehouse.ask("CREATE TABLE visits (version BIGINT, data_date DATE)")
    assert warehouse.load(a_day(stamped(1))) == [DayOutcome.LOADED]
    assert warehouse.readings() == {on(0): [1] * 10}


BAD_NAMES = [
    "",
    "1st",
    "a b",
    'x"; DROP TABLE visits; --',
    "naïve",
    "a" * 64,
    "tab\tle",
    "a\n",
    "_dayfill_days",
    "_DAYFILL_x",
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_table_name_that_is_not_plain_is_refused(warehouse: Warehouse, name: str) -> None:
    with pytest.raises(Permanent, match="table name") as refused:
        warehouse.load(a_day(stamped(1), names=(name,)))
    assert refused.value.cause == "SCHEMA"


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_column_name_that_is_not_plain_is_refused_in_new_and_old_tables(warehouse: Warehouse, name: str) -> None:
    odd = a_day(stamped(2).append_column(name, stamped(2).column("version")), token=2)
    for _ in range(2):
        with pytest.raises(Permanent, match="column name") as refused:
            warehouse.load(odd)
        assert refused.value.cause == "SCHEMA"
        warehouse.load(a_day(stamped(1)))
    assert warehouse.readings() == {on(0): [1] * 10}


def test_reserved_words_of_sql_are_fine_as_names(warehouse: Warehouse) -> None:
    rows = stamped(1).rename_columns(["data_date", "select"])
    for token in (1, 2):
        assert warehouse.load(a_day(rows, token=token, names=("table",))) == [DayOutcome.LOADED]


def test_a_table_that_was_given_up_passes_to_the_next_transfer_and_not_back(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1), token=5))
    successor = warehouse.with_rivals({99})
    with pytest.raises(Permanent, match="belongs to transfer 7"):
        successor.load(a_day(stamped(2), token=4, transfer_id=8))  # claimed before the last load of the former owner
    assert successor.load(a_day(stamped(2), token=6, transfer_id=8)) == [DayOutcome.LOADED]
    assert warehouse.readings() == {on(0): [2] * 10}
    with pytest.raises(Permanent, match="belongs to transfer 8"):
        successor.load(a_day(stamped(3), token=5))  # a late load of the former owner
    assert warehouse.readings() == {on(0): [2] * 10}


def test_a_table_of_a_living_rival_does_not_pass(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1)))
    with pytest.raises(Permanent, match="belongs to transfer 7"):
        warehouse.with_rivals({TRANSFER}).load(a_day(stamped(2), token=2, transfer_id=8))
    assert warehouse.readings() == {on(0): [1] * 10}
