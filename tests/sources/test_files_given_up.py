"""A reading that is let go half way: it gives back its engine and its watch, as one that came to its end does."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

import pytest

from dayfill import sources
from dayfill.domain.transfer import Table
from dayfill.sources import SourceConfig
from dayfill.sources.files import connection
from reaching import TEMP

DAY = date(2024, 6, 1)


@pytest.fixture
def large(tmp_path: Path) -> SourceConfig:
    """More rows than one batch holds."""
    rows = "".join(f"{DAY},{number}\n" for number in range(100_000))
    (tmp_path / "rows.csv").write_text("day,n\n" + rows)
    return SourceConfig({"path": str(tmp_path / "rows.csv"), "date_column": "day"}, reach=TEMP)


def test_the_engine_and_the_watch_of_a_reading_that_is_given_up_are_given_back(large: SourceConfig) -> None:
    before = {thread for thread in threading.enumerate() if thread.name == "deadline"}
    idle = len(connection.IDLE._waiting)
    read = sources.get("FILES").read_days(large, Table("t"), [DAY], 60)
    assert next(iter(read.reader)).num_rows < 100_000 and not read.complete
    [watch] = {thread for thread in threading.enumerate() if thread.name == "deadline"} - before
    del read
    watch.join(timeout=60)
    assert not watch.is_alive()
    assert len(connection.IDLE._waiting) == min(idle + 1, 8)
