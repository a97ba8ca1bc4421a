"""Large readings: kept in private files while they are read, checked like any other, gone when their day is done."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from dayfill import sources
from dayfill.domain.transfer import Table
from dayfill.engine import extract
from dayfill.engine.content_hash import day_hash, row_hashes
from dayfill.engine.extract import Bounds, Reading, TooLarge
from dayfill.engine.spool import Spool, SpooledRows
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.seams import system_seams
from dayfill.sources import SourceConfig
from rig import ago
from scripted import SCHEMA, ScriptedRead, ScriptedSource, reader

ROWS = 4_000
DAY_SIZE = reader([ago(0)] * ROWS).read_all().nbytes


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> ScriptedSource:
    """A source whose days come in batches of 500 rows, of which memory holds the first few."""
    made = ScriptedSource()
    monkeypatch.setattr(sources, "get", lambda kind: made)
    monkeypatch.setattr(extract, "MEMORY_BYTES", DAY_SIZE // 3)
    real = made.read_days

    def read_days(*arguments: object) -> ScriptedRead:
        read = real(*arguments)
        rows = read.reader.read_all()
        read.reader = pa.RecordBatchReader.from_batches(SCHEMA, rows.to_batches(max_chunksize=500))
        return read

    made.read_days = read_days  # type: ignore[method-assign]
    made.on(ago(0), ago(1), rows=ROWS)
    return made


def read(spool: Spool, *days: date, rows: int = 10**6, gigabytes: int = 1) -> dict[date, Reading | ConnectorError]:
    limits = Bounds(lambda: 60.0, rows, gigabytes)
    return extract.extract([Table("visits")], days, SourceConfig({}), "FILES", limits, spool, system_seams())


def spool_of(folder: Path) -> Spool:
    return Spool(folder, {ago(n): f"run{n}-token{n}" for n in range(5)})


def test_a_large_day_waits_in_a_private_file_that_ends_with_its_slice(source: ScriptedSource, tmp_path: Path) -> None:
    with spool_of(tmp_path) as spool:
        reading = read(spool, ago(0))[ago(0)]
        assert isinstance(reading, Reading)
        (table,) = reading.tables
        assert isinstance(table.rows, SpooledRows)
        (file,) = tmp_path.iterdir()
        assert file.name == "run0-token0-0.arrow"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        whole = reader([ago(0)] * ROWS).read_all()
        assert table.rows.to_reader().read_all() == whole == table.rows.to_reader().read_all()
        assert (table.rows.num_rows, table.rows.schema) == (ROWS, SCHEMA)
        assert table.rows.nbytes == sum(batch.nbytes for batch in whole.to_batches(max_chunksize=500))
        assert table.content_hash == day_hash(row_hashes(whole))
    assert list(tmp_path.iterdir()) == []


def test_a_small_day_never_meets_the_disk(source: ScriptedSource) -> None:
    source.on(ago(0), rows=3)
    with spool_of(Path("no-such-folder")) as spool:
        assert isinstance(read(spool, ago(0))[ago(0)], Reading)


def test_a_large_day_that_is_not_whole_is_no_reading(source: ScriptedSource, tmp_path: Path) -> None:
    for script, kind, says in (
        ({"complete": False}, Transient, "stopped before it said"),
        ({"stated_rows": ROWS + 1}, Transient, "announced 4,001 rows and sent 4,000"),
        ({"other_dates": [ago(9)]}, Permanent, f"rows of {ago(9)}, which was not asked for"),
        ({"other_dates": [None]}, Permanent, "row 4001 of the reading has no date"),
    ):
        source.on(ago(0), rows=ROWS, **script)
        with spool_of(tmp_path) as spool:
            error = read(spool, ago(0))[ago(0)]
            assert isinstance(error, kind) and says in error.message
        assert list(tmp_path.iterdir()) == []


def test_a_large_day_of_which_the_source_says_at_its_end_that_it_failed_is_no_reading(
    source: ScriptedSource, tmp_path: Path
) -> None:
    wrong, real = Permanent("DATA", "The last line is odd."), source.read_days
    source.read_days = lambda *asked: replace(real(*asked), failed_days={ago(0): wrong})  # type: ignore[method-assign]
    with spool_of(tmp_path) as spool:
        assert read(spool, ago(0)) == {ago(0): wrong}


def test_several_days_that_are_too_large_together_are_left_to_the_caller(
    source: ScriptedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract, "MAX_SLICE_BYTES", DAY_SIZE)
    with spool_of(tmp_path) as spool, pytest.raises(TooLarge):
        read(spool, ago(0), ago(1))


@pytest.mark.parametrize(
    ("bounds", "says"),
    [({"rows": ROWS - 1}, "sent more than 3,999 rows for a day"), ({"gigabytes": 0}, "sent more than 0 GB for a day")],
)
def test_a_day_beyond_its_bounds_fails_for_good(
    source: ScriptedSource, tmp_path: Path, bounds: dict[str, int], says: str
) -> None:
    with spool_of(tmp_path) as spool:
        error = read(spool, ago(0), **bounds)[ago(0)]
    assert isinstance(error, Permanent) and error.cause == "TOO_LARGE"
    assert says in error.message and "raise the setting max_day_" in error.message


def test_a_day_of_just_its_bounds_is_read(source: ScriptedSource, tmp_path: Path) -> None:
    with spool_of(tmp_path) as spool:
        assert isinstance(read(spool, ago(0), rows=ROWS)[ago(0)], Reading)


def test_a_spool_that_cannot_be_written_says_what_to_do(source: ScriptedSource, tmp_path: Path) -> None:
    with spool_of(tmp_path / "gone") as spool:
        error = read(spool, ago(0))[ago(0)]
    assert isinstance(error, Transient) and error.cause == "SPOOL"
    assert str(tmp_path / "gone") in error.message and "No such file" in error.message


def test_two_readings_never_share_a_file(source: ScriptedSource, tmp_path: Path) -> None:
    with spool_of(tmp_path) as first, spool_of(tmp_path) as second:
        assert isinstance(read(first, ago(0))[ago(0)], Reading)
        error = read(second, ago(0))[ago(0)]
        assert isinstance(error, Transient) and "File exists" in error.message
        assert len(list(tmp_path.iterdir())) == 1, "the file of the first one stays"


def test_a_file_that_was_damaged_meanwhile_is_not_loaded(source: ScriptedSource, tmp_path: Path) -> None:
    with spool_of(tmp_path) as spool:
        reading = read(spool, ago(0))[ago(0)]
        assert isinstance(reading, Reading)
        (file,) = tmp_path.iterdir()
        os.truncate(file, file.stat().st_size // 2)
        with pytest.raises(Transient, match="could not be kept"):
            reading.tables[0].rows.to_reader().read_all()
