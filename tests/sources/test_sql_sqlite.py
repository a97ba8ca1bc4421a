"""What only SQLite has: columns that take values of any type, and texts that are none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from databases import Source, file_source
from dayfill.errors import Permanent

DAY = date(2024, 1, 1)


@pytest.fixture
def lite(tmp_path: Path) -> Source:
    made = file_source("sqlite", tmp_path)
    made.run(
        "CREATE TABLE visits (id INTEGER, day DATE, label TEXT)", "INSERT INTO visits VALUES (1, '2024-01-01', 'a')"
    )
    return made


def refusal(lite: Source, *statements: str) -> Permanent:
    lite.run(*statements)
    with pytest.raises(Permanent) as raised:
        lite.read([DAY])
    return raised.value


@pytest.mark.parametrize("number", ["1.5", "-0.25", "9e999"])
def test_a_fraction_in_a_column_of_whole_numbers_is_not_cut(lite: Source, number: str) -> None:
    refused = refusal(lite, f"INSERT INTO visits VALUES ({number}, '2024-01-01', 'b')")
    assert refused.cause == "DATA" and "Column id holds" in refused.message


def test_a_whole_number_that_is_stored_as_a_float_is_one(lite: Source) -> None:
    lite.run("CREATE TABLE floats (id, day DATE)", "INSERT INTO floats VALUES (2.0, '2024-01-01'), (3, '2024-01-01')")
    query = "SELECT CAST(id AS INTEGER) AS whole, id, day FROM floats WHERE day >= :start AND day < :end"
    rows = lite.read([DAY], {"id": "INTEGER", "day": "DATE"}, query=query)
    assert rows.column("id").to_pylist() == [2, 3]


def test_a_text_that_is_no_utf_8_is_told_and_its_day_not_tried_again(lite: Source) -> None:
    refused = refusal(lite, "UPDATE visits SET label = CAST(x'ff00' AS TEXT)")
    assert refused.cause == "DATA" and "Could not decode to UTF-8 column 'label'" in refused.message
    assert refused.message.endswith("cast it to BLOB in a query.")


@pytest.mark.parametrize("number", ["20240101", "1704067200", "2460310.5"])
def test_a_date_that_is_a_number_is_refused_and_no_empty_day_loaded(lite: Source, number: str) -> None:
    """SQLite sorts it before every text, so that no day had any row."""
    refused = refusal(lite, f"INSERT INTO visits VALUES (2, {number}, 'b')")
    assert refused.cause == "DATA" and "Column day holds a value that is not string" in refused.message


def test_a_column_of_numbers_is_no_date_column_even_where_no_row_is_found(lite: Source) -> None:
    lite.run("CREATE TABLE seen (at INTEGER)", "INSERT INTO seen VALUES (1704067200)")
    with pytest.raises(Permanent, match="The date column at is int64, not a date"):
        lite.read([DAY], table="seen", date_column="at")
