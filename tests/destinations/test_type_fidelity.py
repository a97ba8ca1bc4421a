"""Conformance of every destination: what is written is what is read back, compared as Arrow."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from samples import INF, NAN, SAMPLES
from warehouse import Warehouse, a_day, dated, in_type

from dayfill.errors import Permanent


@pytest.mark.parametrize("of", SAMPLES, ids=str)
def test_every_stored_type_comes_back_with_equal_values(warehouse: Warehouse, of: pa.DataType) -> None:
    column = SAMPLES[of]
    warehouse.load(a_day(dated(len(column), at=pa.array(range(len(column))), value=column)))
    assert back(warehouse, of).equals(pa.chunked_array([column]))


def back(warehouse: Warehouse, of: pa.DataType) -> pa.ChunkedArray:
    stored = warehouse.ask('SELECT value FROM visits ORDER BY "at"').column("value")
    # A time zone's label may differ (UTC, Etc/UTC); the instants may not.
    if pa.types.is_timestamp(of):
        assert (stored.type.tz is None) == (of.tz is None)
        return stored.cast(of)
    if pa.types.is_list(of):
        return in_type(stored, of)
    assert stored.type == warehouse.integers.get(of, of)
    return stored if stored.type == of else stored.cast(of)


def test_not_a_number_infinity_and_null_stay_apart(warehouse: Warehouse) -> None:
    values = [NAN, INF, -INF, -0.0, None]
    warehouse.load(a_day(dated(5, at=pa.array(range(5)), value=pa.array(values))))
    assert [repr(value) for value in back(warehouse, pa.float64()).to_pylist()] == [repr(value) for value in values]


LANDED = [
    (pa.array([2**64 - 1, 0], pa.uint64()), pa.decimal128(20, 0), [Decimal(2**64 - 1), Decimal(0)]),
    (pa.array(["a", None, "a"]).dictionary_encode(), pa.string(), ["a", None, "a"]),
    (pa.array(["a"], pa.large_string()), pa.string(), ["a"]),
    (pa.array(["a"], pa.string_view()), pa.string(), ["a"]),
    (pa.array([b"ab"], pa.binary(2)), pa.binary(), [b"ab"]),
    (pa.array([1.5], pa.float16()), pa.float32(), [1.5]),
    (pa.array([Decimal("1.25")], pa.decimal256(38, 2)), pa.decimal128(38, 2), [Decimal("1.25")]),
]


@pytest.mark.parametrize(("column", "stored", "values"), LANDED, ids=lambda value: str(getattr(value, "type", "")))
def test_other_forms_of_a_value_land_in_one_form(
    warehouse: Warehouse, column: pa.Array, stored: pa.DataType, values: list[object]
) -> None:
    for token in (1, 2):
        warehouse.load(a_day(dated(len(column), at=pa.array(range(len(column))), value=column), token=token))
    assert back(warehouse, stored).to_pylist() == values


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_an_instant_keeps_its_instant_whatever_zone_it_came_in(warehouse: Warehouse, zone: str) -> None:
    column = pa.array([1_711_849_800_000_000_000, 0], pa.timestamp("ns", zone))
    warehouse.load(a_day(dated(2, at=pa.array(range(2)), value=column)))
    assert back(warehouse, pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist() == [1_711_849_800_000_000, 0]


def test_nanoseconds_that_would_be_cut_are_refused_with_their_row(warehouse: Warehouse) -> None:
    with pytest.raises(Permanent, match="value, row 2") as refused:
        warehouse.load(a_day(dated(2, value=pa.array([1000, 1001], pa.timestamp("ns")))))
    assert refused.value.cause == "SCHEMA"
    assert warehouse.ledger() == {}
