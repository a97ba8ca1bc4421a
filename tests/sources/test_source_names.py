"""Columns that nobody declared load under names that a warehouse takes, however people have named them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from databases import file_source
from dayfill.errors import Permanent
from dayfill.sources.names import targets

DAY = date(2024, 3, 1)


def test_a_report_with_names_for_people_loads_as_it_is(tmp_path: Path, read_files: Callable[..., Any]) -> None:
    report = tmp_path / "report.csv"
    report.write_text("Day,Campaign name,Cost (EUR),größe\n2024-03-01,Räumung,1.5,L\n", "utf-8")
    got = read_files(report, [DAY], date_column="Day")
    assert got.rows.column_names == ["Day", "campaign_name", "cost_eur", "grosse"]
    assert got.rows.to_pylist() == [{"Day": DAY, "campaign_name": "Räumung", "cost_eur": 1.5, "grosse": "L"}]


def test_the_date_column_may_have_such_a_name_too(tmp_path: Path, read_files: Callable[..., Any]) -> None:
    (tmp_path / "report.csv").write_text("Report day,a\n2024-03-01,1\n", "utf-8")
    got = read_files(tmp_path / "report.csv", [DAY], date_column="Report day")
    assert (got.date_column, got.rows.column_names) == ("report_day", ["report_day", "a"])


def test_a_database_is_read_likewise(tmp_path: Path) -> None:
    source = file_source("duckdb", tmp_path)
    source.run('CREATE TABLE visits AS SELECT 1 AS id, DATE \'2024-03-01\' AS "the day", 2 AS "Coût €"')
    rows = source.begin([DAY], date_column="the day").reader.read_all()
    assert rows.to_pylist() == [{"id": 1, "the_day": DAY, "cout": 2}]


def test_two_columns_never_become_one() -> None:
    with pytest.raises(Permanent, match=r"'cost_eur' and 'Cost \(EUR\)' would both be named cost_eur: rename one"):
        targets(["cost_eur", "Cost (EUR)"])
    assert targets(["Cost", "cost"]) == {"Cost": "Cost", "cost": "cost"}, "the destination says what it makes of these"
