"""Which types undeclared columns get, and that a typed value is never another value."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dayfill import sources
from dayfill.domain.transfer import Table
from dayfill.sources import SourceConfig
from reaching import TEMP

DAY = date(2024, 2, 29)
NOON = datetime.fromisoformat("2024-02-29T12:00:00")


def _schema_of(path: Path, values: list[str]) -> str:
    path.write_text("d,x\n" + "".join(f'2024-02-29,"{value}"\n' if value else "2024-02-29,\n" for value in values))
    schema = sources.get("FILES").schema(SourceConfig({"path": str(path), "date_column": "d"}, reach=TEMP), Table("t"))
    return str(schema.field("x").type)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["1", "-2", "9223372036854775807"], "int64"),
        (["1", "2.5"], "double"),
        (["1e-7", "5."], "double"),
        (["nan", "1.5", "-inf"], "double"),
        (["9223372036854775808"], "string"),
        (["12345678901234567890.5"], "double"),
        (["007", "1"], "string"),
        (["1", "0.50"], "double"),
        (["+1"], "string"),
        (["0x1F"], "string"),
        (["1_000"], "string"),
        (["true", "FALSE"], "bool"),
        (["t", "f"], "string"),
        (["2024-02-29", "2024-1-2"], "date32[day]"),
        (["2024-02-29", "2024-02-29 01:02:03"], "timestamp[us]"),
        (["2024-02-29T01:02:03Z", "2024-02-29 01:02:03+02:00"], "timestamp[us, tz=UTC]"),
        (["2024-02-29T01:02:03Z", "2024-02-29 01:02:03"], "string"),
        (["2024-02-29 01:02:03.1234567"], "string"),
        (["infinity"], "string"),
        (["epoch"], "string"),
        (["", ""], "string"),
        (["", "1"], "int64"),
        (["a", "1"], "string"),
        (["1"] * 2_500 + ["2.5"], "double"),
        ([""] * 2_500 + ["1"], "int64"),
        (["1"] * 2_500 + ["x", "y"], "int64"),
        (["1"] * 2_500 + ["x", "y", "z"], "string"),
        (["1"] * 9 + ["x"], "int64"),
        (["1"] * 8 + ["x"], "string"),
    ],
)
def test_a_column_is_what_nearly_all_of_its_values_are(values, wanted, tmp_path) -> None:
    assert _schema_of(tmp_path / "a.csv", values) == wanted


@pytest.mark.parametrize(
    ("data_type", "fits", "not_"),
    [
        (
            "INTEGER",
            {"1.0": 1, " 5 ": 5, "+5": 5, "007": 7, "-0": 0},
            ["1.75", "15e-1", "1e3", "9223372036854775808", "abc", "1,5", "0.5", "nan", "1.00000000000000000001"],
        ),
        ("FLOAT", {".5": 0.5, "5.": 5.0, "1e3": 1000.0, "-inf": float("-inf")}, ["1e400", "1,5", "abc", "0x1"]),
        ("BOOLEAN", {"true": True, "F": False, "1": True, "no": False}, ["2", "1.0", "maybe"]),
        (
            "DATE",
            {"2024-2-9": date(2024, 2, 9), "2024/02/29": DAY, "2024-02-29T00:00:00": DAY},
            ["2023-02-29", "2024-02-29 10:00", "20240229", "infinity", "epoch", "2024-02-29 (BC)", "29.02.2024"],
        ),
        (
            "TIMESTAMP",
            {
                "2024-02-29": NOON - timedelta(hours=12),
                "2024-02-29T12:00:00.1234560": NOON + timedelta(microseconds=123456),
            },
            ["2024-02-29T05:00:00Z", "2024-02-29 05:00:00+02", "2024-02-29 05:00:00.1234567", "infinity"],
        ),
        (
            "TIMESTAMPTZ",
            {"2024-02-29 05:00:00+05:30": datetime(2024, 2, 28, 23, 30, tzinfo=UTC)},
            ["2024-02-29 05:00:00.1234567Z", "2024-02-29 05:00:00 Mars", "infinity"],
        ),
        (
            "DECIMAL(6,2)",
            {"1.7500": Decimal("1.75"), ".5": Decimal("0.50"), "1e2": Decimal(100), "15e-1": Decimal("1.50")},
            ["1.755", "-0.005", "12345.6", "1e-3", "nan", "abc", "."],
        ),
    ],
)  # fmt: skip
def test_a_value_comes_whole_or_not_at_all(data_type, fits, not_, tmp_path, read_files) -> None:
    for i, text in enumerate([*fits, *not_]):
        path = tmp_path / f"{i}.csv"
        path.write_text(f'd,x\n2024-02-29,"{text}"\n')
        got = read_files(path, [DAY], {"d": "DATE", "x": data_type}, date_column="d")
        if text in fits:
            assert got.rows.to_pylist() == [{"d": DAY, "x": fits[text]}], (text, got.failed)
        else:
            assert got.rows.num_rows == 0 and f"{text!r} is not a" in got.failed[DAY].message, text


texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
moments = st.datetimes(NOON - timedelta(days=99_999), NOON + timedelta(days=99_999))
rows = st.lists(
    st.fixed_dictionaries(
        {
            "d": st.sampled_from([DAY + timedelta(days=i) for i in range(3)]),
            "s": st.none() | texts,
            "i": st.none() | st.integers(-(2**63), 2**63 - 1),
            "f": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "n": st.none() | st.decimals(-(10**11), 10**11, places=6),
            "b": st.none() | st.booleans(),
            "t": st.none() | moments,
        }
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows)
def test_what_is_written_as_csv_is_read_back(rows, tmp_path, read_files) -> None:
    types = {
        "d": "DATE", "s": "STRING", "i": "INTEGER", "f": "FLOAT", "n": "DECIMAL(18,6)", "b": "BOOLEAN", "t": "TIMESTAMP"
    }  # fmt: skip
    path = tmp_path / "a.csv"
    lines = [",".join(types), *(",".join(_cell(row[name]) for name in types) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8", newline="")
    days = [DAY, DAY + timedelta(days=2)]
    got = read_files(path, days, types, date_column="d")
    assert not got.failed
    assert got.rows.sort_by("d").to_pylist() == sorted(
        (row for row in rows if row["d"] in days), key=lambda row: row["d"]
    )


def _cell(value: object) -> str:
    """Every value quoted, so that an empty text differs from no value."""
    return "" if value is None else '"' + str(value).replace('"', '""') + '"'
