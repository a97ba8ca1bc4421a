"""Properties of the widening rules, on Arrow alone."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import SAMPLES

from dayfill.destinations import drift
from dayfill.errors import Permanent

PRECISION = 38


def integers(bits: int, signed: bool) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else st.integers(0, 2**bits - 1)


@st.composite
def decimal_columns(draw: st.DrawFn) -> pa.Array:
    precision = draw(st.integers(1, PRECISION))
    scale = draw(st.integers(0, precision))
    unscaled = draw(st.lists(st.integers(-(10**precision) + 1, 10**precision - 1), max_size=4))
    values = [Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale)) for number in unscaled]
    return pa.array(values, pa.decimal128(precision, scale))


def columns() -> st.SearchStrategy[pa.Array]:
    """Columns of every type that is stored, with any values, NULL included."""
    typed = [
        (getattr(pa, f"{'' if signed else 'u'}int{bits}")(), integers(bits, signed))
        for bits, signed in ((8, True), (16, True), (32, True), (64, True), (8, False), (16, False), (32, False))
    ]
    typed += [
        (pa.float32(), st.floats(width=32, allow_nan=False)),
        (pa.float64(), st.floats(allow_nan=False)),
        (pa.bool_(), st.booleans()),
        (pa.string(), st.text(max_size=4)),
        (pa.binary(), st.binary(max_size=4)),
        (pa.date32(), st.dates()),
        (pa.timestamp("us"), st.datetimes()),
    ]
    plain = [
        st.lists(st.none() | values, max_size=4).map(lambda found, of=of: pa.array(found, of)) for of, values in typed
    ]
    return st.one_of(decimal_columns(), *plain)


def as_values(column: pa.Array | pa.ChunkedArray) -> list[object]:
    """Python compares int, float and Decimal exactly; a date counts as its midnight."""
    return (column.cast(pa.timestamp("us")) if pa.types.is_date(column.type) else column).to_pylist()


def one_column(column: pa.Array) -> pa.Table:
    return pa.table({"value": column})


@given(columns(), columns())
def test_a_planned_widening_keeps_every_value_of_both_sides_or_says_why_not(
    stored: pa.Array, incoming: pa.Array
) -> None:
    old, new = one_column(stored), one_column(incoming)
    try:
        steps = drift.plan(old.schema, new.schema)
    except Permanent as refused:
        assert "value" in refused.message and refused.cause == "SCHEMA"
        assert drift.common(stored.type, incoming.type) is None
        return
    target = drift.after(old.schema, steps)
    assert drift.plan(target, new.schema) == [] == drift.plan(target, old.schema)
    for column, rows, guarded in (
        (stored, old, any(isinstance(step, drift.Widen) and step.guarded for step in steps)),
        (incoming, new, pa.types.is_floating(target.field(0).type)),
    ):
        try:
            fitted = drift.fit(rows, target)
        except Permanent:
            assert guarded and any(value and abs(value) > drift.GREATEST_EXACT_IN_FLOAT for value in column.to_pylist())
        else:
            assert fitted.schema.equals(target)
            assert as_values(fitted.column(0)) == as_values(column)


@given(columns(), columns())
def test_the_common_type_does_not_depend_on_who_came_first(one: pa.Array, other: pa.Array) -> None:
    assert drift.common(one.type, other.type) == drift.common(other.type, one.type)


@pytest.mark.parametrize("of", SAMPLES, ids=str)
def test_every_stored_type_is_its_own_form_and_needs_no_step(of: pa.DataType) -> None:
    schema = pa.schema([("value", of)])
    assert drift.landed(of, "value") == of
    assert drift.plan(schema, schema.with_metadata({"k": "v"})) == []
    assert drift.plan(schema, pa.schema([pa.field("VALUE", of, nullable=False)])) == []


def named(of: str) -> pa.DataType:
    if of.startswith("decimal"):
        precision, scale = of.removeprefix("decimal(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return pa.timestamp("us") if of == "timestamp" else pa.type_for_alias(of)


JOINS = [
    ("int8", "int16", "int16"),
    ("int8", "uint8", "int16"),
    ("uint16", "int8", "int32"),
    ("uint32", "int32", "int64"),
    ("uint8", "uint32", "uint32"),
    ("int64", "decimal(20,0)", "decimal(20,0)"),
    ("int64", "decimal(18,2)", "decimal(21,2)"),
    ("int64", "decimal(38,20)", None),
    ("decimal(18,2)", "decimal(10,6)", "decimal(22,6)"),
    ("decimal(38,0)", "decimal(38,1)", None),
    ("float32", "float64", "float64"),
    ("int32", "float64", "float64"),
    ("int16", "float32", "float64"),
    ("int64", "float64", "float64"),
    ("decimal(5,2)", "float64", None),
    ("date32", "timestamp", "timestamp"),
    ("bool", "int8", None),
    ("string", "int8", None),
    ("string", "date32", None),
    ("string", "binary", None),
]


@pytest.mark.parametrize(("one", "other", "expected"), JOINS)
def test_the_lattice_is_as_written(one: str, other: str, expected: str | None) -> None:
    assert drift.common(named(one), named(other)) == (named(expected) if expected else None)


def test_only_stored_big_integers_that_become_floats_are_guarded() -> None:
    whole, broken = pa.schema([("value", pa.int64())]), pa.schema([("value", pa.float64())])
    assert drift.plan(whole, broken) == [drift.Widen("value", pa.int64(), pa.float64(), guarded=True)]
    assert drift.plan(pa.schema([("value", pa.int32())]), broken)[0].guarded is False  # type: ignore[union-attr]
    assert drift.plan(broken, whole) == []


@given(st.integers(0, 400))
def test_the_first_value_that_does_not_fit_is_named_by_its_row(at: int) -> None:
    values = [0] * 401
    values[at] = 2**60 + 1
    column = pa.chunked_array([pa.array(values[:100]), pa.array(values[100:])])
    with pytest.raises(Permanent, match=rf"row {at + 1}:"):
        drift.fit(pa.table({"value": column}), pa.schema([("value", pa.float64())]))


def test_fitting_rows_that_fit_copies_nothing() -> None:
    rows = one_column(pa.array([1, 2, 3]))
    assert drift.fit(rows, rows.schema) is rows
