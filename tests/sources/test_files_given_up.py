"""A reading that is let go half way: it gives back its engine and its watch, as one that came to its end does."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

import pytest

from dayfill import sources
from dayfill.domain.transfer import Table
from dayfill.errors import Transient
from dayfill.sources import SourceConfig, files
from dayfill.sources.files import connection, selection
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


@pytest.mark.parametrize("name", ["*.csv", "{date}.csv"])
def test_the_columns_of_too_many_files_are_given_up_in_time_with_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 4):
        (tmp_path / f"2024-06-0{number}.csv").write_text(f"day,n\n{DAY},{number}\n")
    config = SourceConfig({"path": str(tmp_path / name), "date_column": "day"}, reach=TEMP)
    looks: list[object] = []
    look = selection._look
    monkeypatch.setattr(selection, "_look", lambda *given: looks.append(given) or look(*given))
    assert sources.get("FILES").schema(config, Table("t")).names == ["day", "n"]
    assert len(looks) == 3
    monkeypatch.setattr(files, "_SCHEMA_SECONDS", 0)
    with pytest.raises(Transient, match="Let it match fewer, or make the transfer without this check") as refused:
        sources.get("FILES").schema(config, Table("t"))
    assert (refused.value.cause, len(looks)) == ("TIMEOUT", 3), "no file is looked at after the time is over"
