"""Values within values: kept as JSON in every destination, without loss, and the same when they are read again."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as some
from warehouse import FIRST, Warehouse, a_day, dated

from dayfill.destinations import FinishedTable, nested
from dayfill.engine.content_hash import day_hash, row_hashes
from dayfill.errors import Permanent

STRUCT = pa.struct(
    {
        "whole": pa.int64(),
        "big": pa.uint64(),
        "real": pa.float64(),
        "small": pa.float32(),
        "half": pa.float16(),
        "money": pa.decimal128(38, 9),
        "at": pa.timestamp("us", "Europe/Berlin"),
        "clock": pa.timestamp("us"),
        "day": pa.date32(),
        "time": pa.time64("us"),
        "text": pa.string(),
        "bytes": pa.binary(),
        "two": pa.binary(2),
        "is": pa.bool_(),
        "nothing": pa.null(),
        "code": pa.dictionary(pa.int32(), pa.string()),
        "lists": pa.list_(pa.list_(pa.int64())),
        "inner": pa.struct({"more": pa.list_(pa.struct({"x": pa.int8()}))}),
        "by_name": pa.map_(pa.string(), pa.decimal128(4, 2)),
        "by_number": pa.map_(pa.int64(), pa.date32()),
        "by_day": pa.map_(pa.date32(), pa.float64()),
    }
)
FULL = {
    "whole": -(2**63),
    "big": 2**64 - 1,
    "real": 5e-324,
    "small": 0.1,
    "half": 1.5,
    "money": Decimal("-99999999999999999999999999999.000000001"),
    "at": datetime(2024, 3, 31, 1, 30, 0, 1, UTC),
    "clock": datetime(1, 1, 1, tzinfo=UTC).replace(tzinfo=None),
    "day": date(9999, 12, 31),
    "time": time(23, 59, 59, 999999),
    "text": 'it\'s "é"\n\\ \U0001f389',
    "bytes": bytes(range(256)),
    "two": b"\xff\x00",
    "is": False,
    "nothing": None,
    "code": "x",
    "lists": [[1, None], None, []],
    "inner": {"more": [{"x": -1}, None]},
    "by_name": [("long name", Decimal("0.10")), ("", None), ("b", Decimal("-1.00"))],
    "by_number": [(10, date(1, 1, 1)), (-9, None)],
    "by_day": [(date(2024, 1, 1), float("-inf")), (date(2023, 1, 1), 1024.5)],
}
SHOWN = {
    **{"whole": -(2**63), "big": 2**64 - 1, "real": 5e-324, "half": 1.5, "nothing": None, "code": "x", "is": False},
    "at": "2024-03-31T01:30:00.000001Z",
    "clock": "0001-01-01T00:00:00",
    "day": "9999-12-31",
    "time": "23:59:59.999999",
    "two": "/wA=",
    "lists": [[1, None], None, []],
    "inner": {"more": [{"x": -1}, None]},
    "by_number": {"10": "0001-01-01", "-9": None},
    "by_day": {"2024-01-01": "-Infinity", "2023-01-01": 1024.5},
}
EMPTY = dict.fromkeys(FULL)


def texts(warehouse: Warehouse) -> list[str | None]:
    stored = warehouse.ask('SELECT value FROM visits ORDER BY "at"').column("value").combine_chunks()
    assert stored.type in (pa.json_(), pa.string())
    return [None if one is None else str(one) for one in stored.to_pylist()]


def load(warehouse: Warehouse, column: pa.Array, token: int = 1) -> pa.Table:
    rows = dated(len(column), at=pa.array(range(len(column))), value=column)
    warehouse.load(a_day(rows, token=token))
    return rows


def hash_of(rows: pa.Table) -> str:
    return day_hash(row_hashes(rows))


def hash_held(warehouse: Warehouse, rows: pa.Table) -> str:
    """The hash of the day as the destination holds it."""
    held: list[pa.RecordBatch] = []
    table = FinishedTable("visits", "data_date", rows, "")
    warehouse.destination.read_day(warehouse.config, table, FIRST, held.append)
    return hash_of(pa.Table.from_batches(held, rows.schema))


def test_every_kind_of_value_within_another_comes_back(warehouse: Warehouse) -> None:
    rows = load(warehouse, pa.array([FULL, None, EMPTY], STRUCT))
    full, none, empty = texts(warehouse)
    assert full is not None and none is None and empty is not None
    found = json.loads(full)
    assert {name: found[name] for name in SHOWN} == SHOWN
    assert json.loads(empty) == EMPTY
    exact = json.loads(full, parse_float=Decimal)
    assert exact["money"] == FULL["money"] and exact["by_name"] == dict(FULL["by_name"])
    assert hash_held(warehouse, rows) == hash_of(rows)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[[1, 2], []], [None], None], pa.list_(pa.list_(pa.int64()))),
        pa.array([[{"a": 1}], []], pa.list_(pa.struct({"a": pa.int64()}))),
        pa.array([[("b", [1]), ("a", None)]], pa.map_(pa.string(), pa.list_(pa.int64()))),
        pa.array([[[1, 2], [3, 4]]], pa.large_list(pa.list_(pa.int64(), 2))),
        pa.array(
            [{"u": UUID(int=5).bytes, "j": '{"b": 1.50, "a": null}'}], pa.struct({"u": pa.binary(16), "j": pa.string()})
        ).cast(pa.struct({"u": pa.uuid(), "j": pa.json_()})),
        pa.array([{"f": -0.0}, {"f": float("nan")}], pa.struct({"f": pa.float64()})),
    ],
    ids=["lists", "structs", "map", "large", "own types", "zero"],
)
def test_what_is_read_again_has_the_hash_of_the_first_reading(warehouse: Warehouse, column: pa.Array) -> None:
    rows = load(warehouse, column)
    assert hash_held(warehouse, rows) == hash_of(rows)


def test_fields_come_and_go_without_a_change_of_the_table(warehouse: Warehouse) -> None:
    load(warehouse, pa.array([{"a": 1}]))
    load(warehouse, pa.array([{"b": "x"}, {"b": None}]), token=2)
    assert [json.loads(one or "") for one in texts(warehouse)] == [{"b": "x"}, {"b": None}]


class Timestamp(datetime):
    """As pandas has it: pyarrow gives it for nanoseconds where pandas is installed."""

    nanosecond = 0

    def to_pydatetime(self) -> datetime:
        return datetime.fromisoformat(self.isoformat())


class Finer(Timestamp):
    nanosecond = 1


def test_a_time_in_nanoseconds_is_taken_with_pandas_too() -> None:
    noon = datetime(2024, 6, 1, 12, 0, 0, 5, tzinfo=UTC)
    taken = nested._moment(Timestamp.fromisoformat(noon.isoformat()))
    assert (type(taken), taken) == (datetime, noon)
    with pytest.raises(ValueError, match="finer than microseconds"):
        nested._moment(Finer.fromisoformat("2024-06-01T00:00:00Z"))


TWICE = pa.array([[("a", 1)], [("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64()))
FINE = pa.array([{"t": 1000}, {"t": 1001}], pa.struct({"t": pa.int64()})).cast(pa.struct({"t": pa.timestamp("ns")}))
LONG = pa.array([{"t": 1}], pa.struct({"t": pa.int64()})).cast(pa.struct({"t": pa.duration("us")}))


@pytest.mark.parametrize(
    ("column", "says"),
    [(TWICE, "value, row 2.*same key twice"), (FINE, "value, row 2"), (LONG, "cannot be stored")],
    ids=["key twice", "nanoseconds", "duration"],
)
def test_what_would_lose_something_is_refused(warehouse: Warehouse, column: pa.Array, says: str) -> None:
    assert len(hash_of(pa.table({"value": column}))) == 16, "its day can be read, and says at its load what is wrong"
    with pytest.raises(Permanent, match=says) as refused:
        load(warehouse, column)
    assert refused.value.cause == "SCHEMA"
    assert warehouse.ledger() == {}


VALUES = some.fixed_dictionaries(
    {
        "d": some.none() | some.decimals(-999, 999, places=3),
        "f": some.none() | some.floats(),
        "m": some.none()
        | some.dictionaries(some.text(max_size=3), some.none() | some.integers(-(2**63), 2**63 - 1)).map(
            lambda of: list(of.items())
        ),
        "l": some.none() | some.lists(some.none() | some.lists(some.binary(max_size=3), max_size=2), max_size=3),
    }
)
OF = pa.struct(
    {
        "d": pa.decimal128(6, 3),
        "f": pa.float64(),
        "m": pa.map_(pa.string(), pa.int64()),
        "l": pa.list_(pa.list_(pa.binary())),
    }
)


@given(some.lists(some.none() | VALUES, max_size=5))
def test_a_text_of_a_value_is_that_of_no_other(values: list[object]) -> None:
    column = pa.array(values, OF)
    made = nested.texts(column)
    again = nested.values(made, OF)
    assert nested.texts(again) == made
    assert [seen(row) for row in again.to_pylist()] == [seen(row) for row in column.to_pylist()]


@pytest.mark.parametrize("text", ['{"d": "x"}', "[1]", '{"l": 5}', "no JSON"])
def test_a_text_of_another_type_is_refused(text: str) -> None:
    """Somebody may have changed it in the table."""
    with pytest.raises(pa.ArrowInvalid):
        nested.values(pa.array([text]), OF)


def seen(row: dict[str, Any] | None) -> object:
    """A value as far as it must stay: maps have no order, there is one zero and one NaN."""
    if row is None:
        return None
    real = row["f"]
    return (
        row["d"],
        row["l"],
        None if row["m"] is None else dict(row["m"]),
        repr(real if real is None else real + 0.0),
    )
