"""Conformance of every destination: a table is loaded by one transfer of one installation, or not at all."""

from __future__ import annotations

import pytest
from warehouse import TRANSFER, Warehouse, a_day, on, stamped

from dayfill.destinations import DayOutcome
from dayfill.errors import Permanent


def claim(warehouse: Warehouse, transfer_id: int, *tables: str) -> None:
    warehouse.destination.claim_table(warehouse.config, transfer_id, tables)


def test_a_claimed_table_is_kept_by_its_owner(warehouse: Warehouse) -> None:
    claim(warehouse, TRANSFER, "visits", "costs")
    claim(warehouse, TRANSFER, "visits", "clicks", "Clicks")
    claim(warehouse, TRANSFER)
    assert warehouse.load(a_day(stamped(1))) == [DayOutcome.LOADED]


def test_another_transfer_is_refused_by_name_and_claims_nothing(warehouse: Warehouse) -> None:
    claim(warehouse, TRANSFER, "visits")
    with pytest.raises(Permanent, match=r"visits.*transfer 7") as refused:
        claim(warehouse, 8, "costs", "visits")
    assert refused.value.cause == "OWNERSHIP"
    claim(warehouse, 9, "costs")


def test_a_table_loaded_by_one_transfer_is_refused_to_another(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1)))
    with pytest.raises(Permanent) as refused:
        warehouse.load(a_day(stamped(2), token=2, transfer_id=8))
    assert refused.value.cause == "OWNERSHIP"
    assert warehouse.readings() == {on(0): [1] * 10}


def test_the_same_table_in_other_letters_is_the_same_table(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1)))
    with pytest.raises(Permanent, match="belongs to transfer 7"):
        claim(warehouse, 8, "VISITS")


def test_another_installation_is_refused_even_with_the_same_transfer_number(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1)))
    elsewhere = warehouse.of_installation("elsewhere")
    with pytest.raises(Permanent, match="another dayfill installation"):
        elsewhere.load(a_day(stamped(2), token=2))
    with pytest.raises(Permanent, match="another dayfill installation"):
        claim(elsewhere, TRANSFER, "visits")


def test_rows_that_somebody_else_put_there_are_never_overwritten(warehouse: Warehouse) -> None:
    warehouse.ask("CREATE TABLE visits AS SELECT DATE '2024-01-01' AS data_date, 5::BIGINT AS version")
    for attempt in (lambda: claim(warehouse, TRANSFER, "visits"), lambda: warehouse.load(a_day(stamped(1)))):
        with pytest.raises(Permanent, match="did not load") as refused:
            attempt()
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
    for attempt in (
        lambda: claim(warehouse, TRANSFER, name),
        lambda: warehouse.load(a_day(stamped(1), names=(name,))),
    ):
        with pytest.raises(Permanent, match="table name") as refused:
            attempt()
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
