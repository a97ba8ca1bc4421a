"""A table without days is read from a file as a whole."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dayfill import sources
from dayfill.domain.days import WHOLE
from dayfill.domain.transfer import Partition, Table
from dayfill.errors import Permanent
from dayfill.sources import DaysRead, SourceConfig
from reaching import TEMP


def test_a_table_without_days_is_the_file_as_it_is(tmp_path: Path) -> None:
    """Nothing has to say which day a row is of, and a column of dates is one like the others."""
    (tmp_path / "pages.csv").write_text("page,since\na,2024-02-29\nb,\n")
    whole = Table("pages", partition=Partition.NONE)

    def read(**settings: str) -> DaysRead:
        config = SourceConfig({"path": str(tmp_path / "pages.csv"), **settings}, reach=TEMP)
        return sources.get("FILES").read_days(config, whole, [WHOLE], 60)

    for settings in ({}, {"date_column": "since"}):
        found = read(**settings)
        rows = found.reader.read_all()
        assert set(rows.column(found.date_column).to_pylist()) == {WHOLE} and found.complete
        assert rows.drop_columns(found.date_column).to_pydict() == {
            "page": ["a", "b"],
            "since": [date(2024, 2, 29), None],
        }
    with pytest.raises(Permanent, match="from a path without"):
        read(path=str(tmp_path / "{date}.csv"))
    (tmp_path / "pages.csv").write_text("_dayfill_day\n1\n")
    rows = read().reader.read_all()
    assert rows.to_pydict() == {"dayfill_day": [1], "_dayfill_day": [WHOLE]}
