"""Conformance of every destination: a table widens so that no value is lost, or the day is refused in clear words."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pyarrow as pa
import pytest
from samples import SAMPLES
from warehouse import Warehouse, a_day, dated, in_type, on, stamped

from dayfill.destinations import DayOutcome, drift
from dayfill.errors import Permanent

EXACT = 2**53


def test_every_widening_that_is_planned_keeps_every_stored_and_every_new_value(warehouse: Warehouse) -> None:
    old, new = {}, {}
    for number, (one, other) in enumerate(product(SAMPLES, SAMPLES)):
        if drift.common(one, other) is not None:
            small = {one, other} == {pa.int64(), pa.float32()} or {one, other} == {pa.int64(), pa.float64()}
            old[f"c{number}"], new[f"c{number}"] = sample(one, small), sample(other, small)
    count = 4
    warehouse.load(a_day(dated(count, **{name: padded(column, count) for name, column in old.items()})))
    warehouse.load(a_day(dated(count, 1, **{name: padded(column, count) for name, column in new.items()}), 1))
    for offset, expected in enumerate((old, new)):
        stored = warehouse.ask(f"SELECT * FROM visits WHERE data_date = '{on(offset)}'")
        for name, column in expected.items():
            held = stored.column(name)
            held = in_type(held, column.type) if pa.types.is_list(column.type) else held
            assert plain(held) == plain(padded(column, count)), name


def sample(of: pa.DataType, small: bool) -> pa.Array:
    if small and pa.types.is_integer(of):
        return pa.array([-EXACT, EXACT, 0, None], of)
    return SAMPLES[of]


def padded(column: pa.Array, count: int) -> pa.Array:
    return pa.concat_arrays([column, pa.nulls(count - len(column), column.type)])


def plain(column: pa.Array | pa.ChunkedArray) -> list[object]:
    """Values in order, None last; Python compares int, float and Decimal exactly. A date counts as its midnight."""
    values = column.cast(pa.timestamp("us")) if pa.types.is_date(column.type) else column
    return sorted(values.to_pylist(), key=lambda value: (value is None, 0 if value is None else value))


REFUSED = [
    (pa.array([1]), pa.array(["text"])),
    (pa.array(["text"]), pa.array([1])),
    (pa.array([1]), pa.array([True])),
    (pa.array([1.5]), pa.array([Decimal("1.5")])),
    (pa.array([1], pa.decimal128(38, 0)), pa.array([Decimal("1.5")], pa.decimal128(38, 1))),
    (pa.array([1], pa.timestamp("us")), pa.array([1], pa.timestamp("us", "UTC"))),
    (pa.array([1], pa.date32()), pa.array([1], pa.timestamp("us", "UTC"))),
    (pa.array(["2024-01-01"]), pa.array([1], pa.date32())),
    (pa.array([b"x"]), pa.array(["x"])),
]


@pytest.mark.parametrize(("old", "new"), REFUSED, ids=lambda column: str(column.type))
def test_a_change_that_no_type_can_hold_is_refused_with_both_types(
    warehouse: Warehouse, old: pa.Array, new: pa.Array
) -> None:
    warehouse.load(a_day(dated(1, amount=old)))
    with pytest.raises(Permanent) as refused:
        warehouse.load(a_day(dated(1, amount=new), token=2))
    assert refused.value.cause == "SCHEMA" and refused.value.day == on(0)
    for word in ("amount", str(old.type), str(new.type)):
        assert word in refused.value.message
    assert warehouse.ask("SELECT amount FROM visits").column("amount").to_pylist() == old.to_pylist()
    assert warehouse.ledger() == {("visits", on(0)): (1, 1)}


def test_a_fraction_never_lands_rounded_in_an_integer_column(warehouse: Warehouse) -> None:
    warehouse.load(a_day(dated(2, amount=pa.array([1, 2], pa.int32()))))
    warehouse.load(a_day(dated(2, 1, amount=pa.array([1.75, 2.25])), 1))
    assert sorted(warehouse.ask("SELECT amount FROM visits").column("amount").to_pylist()) == [1.0, 1.75, 2.0, 2.25]


def test_big_integers_and_fractions_meet_only_where_no_digit_is_lost(warehouse: Warehouse) -> None:
    warehouse.load(a_day(dated(1, amount=pa.array([EXACT + 1]))))
    with pytest.raises(Permanent, match=str(EXACT + 1)):
        warehouse.load(a_day(dated(1, 1, amount=pa.array([0.5])), 1))
    warehouse.load(a_day(dated(1, amount=pa.array([EXACT])), token=2))
    warehouse.load(a_day(dated(1, 1, amount=pa.array([0.5])), 1))
    with pytest.raises(Permanent, match=r"amount, row 2:.*int64.*double") as refused:
        warehouse.load(a_day(dated(3, 2, amount=pa.array([1, -EXACT - 1, 3])), 2))
    assert refused.value.day == on(2)
    assert sorted(warehouse.ask("SELECT amount FROM visits").column("amount").to_pylist()) == [0.5, float(EXACT)]


def test_a_new_column_is_null_in_the_old_days_and_a_missing_one_in_the_new(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1, 1, left=pa.array(["l"]))))
    warehouse.load(a_day(stamped(2, 1, 1, right=pa.array(["r"])), 1))
    rows = warehouse.ask('SELECT version, "left", "right" FROM visits ORDER BY version').to_pylist()
    assert rows == [{"version": 1, "left": "l", "right": None}, {"version": 2, "left": None, "right": "r"}]


def test_days_of_one_group_may_differ_in_their_columns(warehouse: Warehouse) -> None:
    days = (
        a_day(dated(1, 0, amount=pa.array([1], pa.int16()), left=pa.array([True]))),
        a_day(dated(1, 1, right=pa.array(["r"]), amount=pa.array([0.5])), 1),
        a_day(dated(1, 2, amount=pa.array([None])), 2),
    )
    assert warehouse.load(*days) == [DayOutcome.LOADED] * 3
    rows = warehouse.ask('SELECT amount, "left", "right" FROM visits ORDER BY data_date').to_pylist()
    assert [tuple(row.values()) for row in rows] == [(1.0, True, None), (0.5, None, "r"), (None, None, None)]


def test_columns_are_matched_by_name_whatever_their_order_and_letters(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1, 1, label=pa.array(["a"]), other=pa.array(["b"]))))
    swapped = stamped(2, 1, 1, label=pa.array(["c"]), other=pa.array(["d"])).select(
        ["other", "label", "version", "data_date"]
    )
    warehouse.load(a_day(swapped.rename_columns(["OTHER", "label", "Version", "data_date"]), 1))
    rows = warehouse.ask("SELECT version, label, other FROM visits ORDER BY version").to_pylist()
    assert [tuple(row.values()) for row in rows] == [(1, "a", "b"), (2, "c", "d")]


def test_two_columns_that_differ_in_case_only_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(Permanent, match="twice"):
        warehouse.load(a_day(stamped(1, 1, label=pa.array(["a"]), Label=pa.array(["b"]))))


def test_a_column_of_which_no_type_is_known_yet_is_added_when_it_is_known(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1, 1, label=pa.nulls(1))))
    warehouse.load(a_day(stamped(2, 1, 1, label=pa.array(["b"])), 1))
    rows = warehouse.ask("SELECT version, label FROM visits ORDER BY version").to_pylist()
    assert [row["label"] for row in rows] == [None, "b"]


ODD = [pa.array([5], pa.duration("s")), pa.array([[None]])]


@pytest.mark.parametrize("column", ODD, ids=lambda column: str(column.type))
def test_a_type_that_cannot_be_stored_is_refused_with_its_name(warehouse: Warehouse, column: pa.Array) -> None:
    with pytest.raises(Permanent, match="Column odd is of type") as refused:
        warehouse.load(a_day(stamped(1, 1, odd=column)))
    assert refused.value.cause == "SCHEMA"


def test_the_date_column_must_be_a_date_here_and_there(warehouse: Warehouse) -> None:
    warehouse.ask("CREATE TABLE visits (data_date TIMESTAMP, version BIGINT)")
    with pytest.raises(Permanent, match="must be a date"):
        warehouse.load(a_day(stamped(1)))
    with pytest.raises(Permanent, match="must be a date"):
        warehouse.load(a_day(pa.table({"data_date": ["2024-01-01"]}), names=("costs",)))
    with pytest.raises(Permanent, match="no column data_date"):
        warehouse.load(a_day(pa.table({"other": ["2024-01-01"]}), names=("costs",)))
