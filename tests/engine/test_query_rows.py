"""Rows of a query: which meet a filter, and how they are written, part by part."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.query_filter import parse
from dayfill.engine import query_rows
from dayfill.engine.query_rows import Lines, matching, written
from dayfill.errors import Permanent
from dayfill.sources.types import arrow_type, data_type

BATCH = pa.RecordBatch.from_arrays(
    [
        pa.array([0, 1, 2, 3]),
        pa.array(["Brand", "brand sale", None, "a\\b"]),
        pa.array([10, None, 2**60, -5]),
        pa.array([0.5, float("nan"), None, 1e300]),
        pa.array([Decimal("1.25"), Decimal("-3.00"), None, Decimal("99.99")], pa.decimal128(10, 2)),
        pa.array([date(2024, 6, 1), date(2024, 6, 2), None, date(2024, 6, 4)]),
        pa.array(
            [datetime(2024, 6, 1, 12, tzinfo=UTC), None, datetime(2024, 6, 3, tzinfo=UTC), None],
            arrow_type("TIMESTAMPTZ"),
        ),
        pa.array([True, False, None, True]),
    ],
    names=["row", "name", "clicks", "rate", "cost", "day", "at", "is_new"],
)


def found(batch: pa.RecordBatch, text: str) -> pa.RecordBatch:
    return matching(batch, query_rows.tests(parse(text), batch.schema))


MATCHES = [
    ("name == Brand", [0]),
    ("name != Brand", [1, 2, 3]),
    ("name =@ BRAND", [0, 1]),
    ("name !@ brand", [2, 3]),
    ("name =~ /^brand/", [1]),
    ("name =~ /^brand/i", [0, 1]),
    ("name !~ /^brand/i", [2, 3]),
    ("name =@ \\", [3]),
    ("name > Brand", [1, 3]),
    ("clicks == 10", [0]),
    ("clicks == 10.0", [0]),
    ("clicks >= 9.5", [0, 2]),
    ("clicks == 1152921504606846976", [2]),
    ("clicks < 1e30", [0, 2, 3]),
    ("clicks < 1152921504606846975.5", [0, 3]),
    ("clicks != 10", [1, 2, 3]),
    ("rate > 0.25", [0, 3]),
    ("rate < 1e301", [0, 3]),
    ("cost == 1.25", [0]),
    ("cost > 1.249", [0, 3]),
    ("cost <= -3", [1]),
    ("day >= 2024-06-02", [1, 3]),
    ("day =@ 06-0", [0, 1, 3]),
    ("at >= 2024-06-01T12:00:00", [0, 2]),
    ("at > 2024-06-01T14:00:00+02:00", [2]),
    ("at =@ 2024-06-03T00", [2]),
    ("is_new == true", [0, 3]),
    ("is_new != True", [1, 2]),
    ("clicks > 5 AND cost < 2 OR name == a\\b", [0, 3]),
    ("clicks > 5 AND cost > 2", []),
]


@pytest.mark.parametrize(("text", "expected"), MATCHES)
def test_a_filter_finds_its_rows(text: str, expected: list[int]) -> None:
    assert found(BATCH, text).column("row").to_pylist() == expected


REFUSED = [
    ("visits == 1", "The source has no field visits; it has row, name, clicks, rate, cost, day, at, is_new."),
    ("clicks == ten", "The filter compares clicks, which is a number, with 'ten'."),
    ("clicks == ", "The filter compares clicks, which is a number, with ''."),
    ("rate > nan", "The filter compares rate, which is a number, with 'nan'."),
    ("cost > 1e99", "The filter compares cost, which is a number, with '1e99'."),
    ("clicks > 1e999999999", "The filter compares clicks, which is a number, with '1e999999999'."),
    ("clicks > 1e-999999999", "The filter compares clicks, which is a number, with '1e-999999999'."),
    ("day > June", "The filter compares day, which is a date, with 'June'."),
    ("at > noon", "The filter compares at, which is a time, with 'noon'."),
    ("is_new == 1", "The filter compares is_new, which is true or false, with '1'."),
    ("clicks =@ 1", "The filter's operator =@ looks into texts; field clicks holds numbers."),
    ("cost !~ /1/", "The filter's operator !~ looks into texts; field cost holds numbers."),
    ("name =~ /(?=a)/", "The filter's regular expression /(?=a)/ cannot be used"),
    ("name =~ /(/", "The filter's regular expression /(/ cannot be used"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_a_filter_that_does_not_fit_its_field_is_refused(text: str, said: str) -> None:
    with pytest.raises(Permanent) as caught:
        found(BATCH, text)
    assert (caught.value.cause, caught.value.message[: len(said)]) == ("QUERY", said)


def test_an_expression_that_others_choke_on_takes_no_time() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(["a" * 50_000 + "!"] * 20)], names=["name"])
    assert found(batch, "name =~ /^(a+)+$/").num_rows == 0


# -- writing


def parts(lines: Lines, first: int, last: int) -> list[list[str]]:
    place = lines.place(first, last)
    return json.loads(b"[%b]" % lines.text[place.start : place.stop])


def test_values_are_written_plain() -> None:
    lines = written(pa.Table.from_batches([BATCH]), BATCH.schema.names[1:], 10_000, lambda: None)
    assert parts(lines, 0, 3) == [
        ["Brand", "10", "0.5", "1.25", "2024-06-01", "2024-06-01T12:00:00.000000Z", "true"],
        ["brand sale", "", "nan", "-3.00", "2024-06-02", "", "false"],
        ["", "1152921504606846976", "", "", "", "2024-06-03T00:00:00.000000Z", ""],
        ["a\\b", "-5", "1e+300", "99.99", "2024-06-04", "", "true"],
    ]


@given(st.lists(st.text(), max_size=30), st.integers(0, 40), st.integers(0, 40), st.integers(1, 5))
def test_any_part_is_the_rows_from_first_to_last(rows: list[str], first: int, last: int, chunk: int) -> None:
    table = pa.concat_tables(
        [pa.table({"a": pa.array(rows[at : at + chunk], pa.string())}) for at in range(0, len(rows), chunk)]
        or [pa.table({"a": pa.array([], pa.string())})]
    )
    lines = written(table, ["a", "a"], 1_000_000, lambda: None)
    assert len(lines) == len(rows)
    assert parts(lines, first, last) == [[row, row] for row in rows[first : last + 1]]


def test_more_bytes_than_allowed_are_refused_before_they_are_all_written() -> None:
    table = pa.table({"a": ["x" * 1000] * 10_000})
    looks: list[int] = []
    with pytest.raises(
        Permanent, match=r"more than 1 MB; ask for fewer days or fields, filter the rows, or set max_rows"
    ):
        written(table, ["a"], 1 << 20, lambda: looks.append(1))
    assert len(looks) == 1, "one part of 4 MB was enough to see it"


@pytest.mark.parametrize(
    "name", ["STRING", "INTEGER", "FLOAT", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "DECIMAL(18,6)"]
)
def test_a_data_type_is_found_back(name: str) -> None:
    assert data_type(arrow_type(name)) == name


@pytest.mark.parametrize(
    ("carried", "name"),
    [(pa.int16(), "INTEGER"), (pa.float32(), "FLOAT"), (pa.binary(), "binary"), (pa.json_(), "extension<arrow.json>")],
    ids=str,
)
def test_what_a_source_sends_beside_them_has_a_name_too(carried: pa.DataType, name: str) -> None:
    assert data_type(carried) == name
