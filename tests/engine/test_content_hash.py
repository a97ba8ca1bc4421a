"""The fingerprint of a day: the same for the same rows however they are stored, another for any other rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dayfill.engine.content_hash import day_hash, joined_hash, row_hashes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXTS = st.text(max_size=6)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
VALUES = {
    "n": (pa.int64(), INTEGERS),
    "amount": (pa.float64(), st.floats(allow_nan=True)),
    "name": (pa.string(), TEXTS),
    "flag": (pa.bool_(), st.booleans()),
    "day": (pa.date32(), st.dates()),
    "at": (pa.timestamp("us", "UTC"), st.integers(-(2**53), 2**53).map(lambda us: EPOCH + timedelta(microseconds=us))),
    "price": (pa.decimal128(20, 3), st.decimals(-(10**16), 10**16, places=3)),
    "raw": (pa.binary(), st.binary(max_size=4)),
    "tags": (pa.list_(pa.string()), st.lists(TEXTS, max_size=2)),
}
"""Column -> its type and what it may hold."""

ROW = st.fixed_dictionaries({name: st.none() | values for name, (_, values) in VALUES.items()})
ROWS = st.lists(ROW, max_size=5)
LONG = ["ab" * 3000 + str(n) for n in range(20)] + ["", None]
"""Texts that are more than what is hashed in one go."""
few = settings(max_examples=40)
SCHEMA = pa.schema([(name, kind) for name, (kind, _) in VALUES.items()])


def table(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


def fingerprint(rows: pa.Table) -> str:
    return day_hash(row_hashes(rows))


def one(value: object, kind: pa.DataType) -> str:
    """The fingerprint of a single value."""
    return fingerprint(pa.table({"c": pa.array([value], kind)}))


@few
@given(ROWS, st.randoms(use_true_random=False))
def test_neither_order_of_rows_nor_of_columns_matters(rows: list[dict[str, object]], chance: Random) -> None:
    expected = fingerprint(table(rows))
    shuffled, columns = chance.sample(rows, len(rows)), chance.sample(list(VALUES), len(VALUES))
    assert fingerprint(table(shuffled).select(columns)) == expected


@few
@given(ROWS.filter(bool), st.data())
def test_any_other_value_is_another_fingerprint(rows: list[dict[str, object]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(list(VALUES)))
    other = data.draw(st.none() | VALUES[name][1])
    changed = [dict(row) for row in rows]
    changed[place][name] = other
    before, after = table(rows), table(changed)
    # repr, because a NaN is not even equal to itself, and a negative zero is equal to the positive one.
    assume(repr(before[name][place].as_py()).replace("-0.0", "0.0") != repr(after[name][place].as_py()))
    assume(repr(after[name][place].as_py()) != "-0.0")
    assert fingerprint(before) != fingerprint(after)


@few
@given(ROWS, ROWS)
def test_rows_hash_alike_whatever_stands_beside_them(
    rows: list[dict[str, object]], others: list[dict[str, object]]
) -> None:
    alone = row_hashes(table(rows)).tolist()
    beside = row_hashes(table(others + rows + others)).tolist()
    assert beside[len(others) : len(others) + len(rows)] == alone


@few
@given(ROWS, st.integers(0, 8), st.integers(0, 8))
def test_a_slice_of_a_table_hashes_like_its_rows(rows: list[dict[str, object]], start: int, length: int) -> None:
    assert fingerprint(table(rows).slice(start, length)) == fingerprint(table(rows[start : start + length]))


@few
@given(ROWS, st.integers(1, 4))
def test_the_borders_of_batches_do_not_matter(rows: list[dict[str, object]], size: int) -> None:
    batches = [table(rows[start : start + size]) for start in range(0, len(rows), size)]
    assert fingerprint(pa.concat_tables([SCHEMA.empty_table(), *batches])) == fingerprint(table(rows))


@given(st.lists(st.none() | TEXTS, max_size=10))
def test_how_text_is_stored_does_not_matter(texts: list[str | None]) -> None:
    plain = pa.table({"c": pa.array(texts, pa.string())})
    for kind in (pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()):
        assert fingerprint(pa.table({"c": pa.array(texts, pa.string()).cast(kind)})) == fingerprint(plain)
    pieces = [pa.array(texts[::2], pa.string()), pa.array(texts[1::2], pa.string())]
    coded = pa.chunked_array([piece.dictionary_encode() for piece in pieces])
    assert fingerprint(pa.table({"c": coded})) == fingerprint(pa.table({"c": pa.chunked_array(pieces)}))


def test_texts_hash_alike_however_many_there_are() -> None:
    huge = "x" * 100_000
    texts = [huge, *LONG, "", huge + "y", "a", *LONG, huge]
    alone = np.concatenate([row_hashes(pa.table({"c": pa.array([text], pa.string())})) for text in texts])
    assert np.array_equal(row_hashes(pa.table({"c": texts})), alone)


def test_a_row_counts_as_often_as_it_stands_there() -> None:
    row = {"n": 1, "name": "a"}
    assert len({fingerprint(table([row] * n)) for n in range(5)}) == 5


def test_no_rows_hash_to_nothing_in_every_type() -> None:
    assert fingerprint(SCHEMA.empty_table()) == "0" * 16
    for kind in (*KINDS, pa.dictionary(pa.int32(), pa.string()), pa.null()):
        assert fingerprint(pa.table({"c": pa.array([], kind)})) == "0" * 16


KINDS: dict[pa.DataType, tuple[object, object]] = {
    pa.int8(): (0, 1),
    pa.uint64(): (2**64 - 1, 2**63),
    pa.float32(): (0.0, 0.5),
    pa.float64(): (0.0, 5e-324),
    pa.bool_(): (False, True),
    pa.string(): ("", "\0"),
    pa.binary(): (b"", b"\xff"),
    pa.binary(2): (b"ab", b"a\xff"),
    pa.date32(): (date(1970, 1, 1), date(1970, 1, 2)),
    pa.date64(): (date(1970, 1, 1), date(1970, 1, 2)),
    pa.timestamp("us", "UTC"): (EPOCH, EPOCH + timedelta(microseconds=1)),
    pa.time32("s"): (time(0), time(0, 0, 1)),
    pa.time64("us"): (time(0), time(0, 0, 0, 1)),
    pa.duration("us"): (timedelta(0), timedelta(microseconds=1)),
    pa.decimal128(38, 0): (Decimal(0), Decimal(10**37)),
    pa.decimal256(70, 2): (Decimal(0), Decimal("0.01")),
    pa.list_(pa.int64()): ([], [0]),
    pa.struct([("a", pa.int64())]): ({"a": None}, {"a": 0}),
}
"""Type -> two values that are near each other."""


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_near_values_and_nothing_are_told_apart(kind: pa.DataType) -> None:
    assert len({one(value, kind) for value in (None, *KINDS[kind])}) == 3


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()], ids=str)
def test_every_nan_is_one_and_both_zeros_are_one(kind: pa.DataType) -> None:
    quiet, other = float("nan"), -float("nan")
    assert one(quiet, kind) == one(other, kind) != one(None, kind)
    assert one(0.0, kind) == one(-0.0, kind)


def test_the_name_of_a_column_counts() -> None:
    values = pa.array([1, 2])
    assert fingerprint(pa.table({"a": values})) != fingerprint(pa.table({"b": values}))


def test_values_that_change_columns_are_noticed() -> None:
    one_way = pa.table({"a": [1, 2], "b": [2, 1]})
    assert fingerprint(one_way) != fingerprint(pa.table({"a": [1, 2], "b": [1, 2]}))


@given(st.dictionaries(TEXTS, st.text("0123456789abcdef", min_size=16, max_size=16), max_size=4))
def test_the_hash_of_all_tables_depends_on_each(tables: dict[str, str]) -> None:
    assert joined_hash(tables) == joined_hash(dict(reversed(tables.items())))
    for name in tables:
        assert joined_hash(tables | {name: "x" * 16}) != joined_hash(tables)


def test_the_fingerprint_is_kept_over_releases() -> None:
    """Stored with every loaded day: if it changed, every day would look changed."""
    rows = table([{name: None for name in VALUES}, {"n": -1, "amount": 0.1, "name": "é", "flag": True}])
    rows = rows.select(["n", "amount", "name", "flag"])
    assert fingerprint(rows) == "fabcb32e9af6c637"
    assert fingerprint(pa.table({"label": LONG})) == "7bb75f959df40263"
