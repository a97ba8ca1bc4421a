"""What is said of a file whose columns are not those that are wanted."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dayfill.errors import Permanent

FIRST = date(2024, 2, 28)


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("types", "date_column", "missing"),
    [(None, "day", "day"), ({"d": "DATE", "i": "INTEGER"}, "d", "i"), ({"s": "STRING"}, "day", "day")],
)
def test_a_missing_column_is_named_with_those_there(ending, types, date_column, missing, tmp_path, read_files) -> None:
    path = tmp_path / f"a.{ending}"
    if ending == "parquet":
        pq.write_table(pa.table({"d": [FIRST], "s": ["a"]}), path)
    else:
        _write(path, "d,s\n2024-02-28,a\n" if ending == "csv" else '{"d":"2024-02-28","s":"a"}\n')
    with pytest.raises(Permanent) as caught:
        read_files(path, [FIRST], types, date_column=date_column)
    assert caught.value.cause == "SCHEMA"
    correct = "Correct the name in the transfer, or the columns of the file."
    assert caught.value.message == f"{path} has no column {missing}; its columns are d, s. {correct}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"d;s\n2024-02-28;a\n", "its columns are d;s. Set delimiter to ;, which stands between them."),
        (b"d\ts\n2024-02-28\ta\n", r"Set delimiter to \t, which stands between them."),
        ("d,s\n2024-02-28,a\n".encode("utf-16"), "It is not UTF-8: save the file as UTF-8."),
    ],
)
def test_a_file_of_another_form_is_told_by_its_columns(content, says, tmp_path, read_files) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(Permanent) as caught:
        read_files(tmp_path / "a.csv", [FIRST], date_column="d")
    assert caught.value.message.endswith(says)


def test_an_empty_csv_and_a_double_name(tmp_path, read_files) -> None:
    with pytest.raises(Permanent, match="is empty: not even a line of column names"):
        read_files(_write(tmp_path / "a.csv", ""), [FIRST], date_column="d")
    with pytest.raises(Permanent, match="more than one column named d"):
        read_files(_write(tmp_path / "b.csv", "d,d\n"), [FIRST], date_column="d")


def test_a_date_column_that_holds_no_dates(tmp_path, read_files) -> None:
    path = _write(tmp_path / "a.csv", "d\n20240228\n")
    with pytest.raises(Permanent, match="does not hold dates or timestamps as YYYY-MM-DD; set date_expression"):
        read_files(path, [FIRST], date_column="d")


def test_a_moment_and_a_clock_reading_are_not_joined(tmp_path, read_files) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"d": [FIRST], "t": pa.array([0], pa.timestamp("us", "UTC"))}), path)
    with pytest.raises(Permanent, match="column t is TIMESTAMP WITH TIME ZONE and cannot become TIMESTAMP"):
        read_files(path, [FIRST], {"d": "DATE", "t": "TIMESTAMP"}, date_column="d")
