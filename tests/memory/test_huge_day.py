"""A day far larger than memory should hold goes through in a process of its own, whose greatest size is looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

HUGE_DAY = Path(__file__).with_name("huge_day.py")
MOST_MEGABYTES = 400
"""Of the whole process. Even three million rows, once in memory as a whole, would take it beyond."""
ROW_GROUP = 1024 * 1024
"""Rows. A reader of Parquet holds whole row groups, and this is how large pyarrow makes them."""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("source", ["stream", "csv", "parquet"])
def test_a_huge_day_takes_little_memory(
    source: str, rows: Callable[[int], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = rows(3_000_000)
    read = source if source == "stream" else str(made(tmp_path / f"day.{source}", wanted))
    command = [sys.executable, str(HUGE_DAY), str(tmp_path), str(wanted), read]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    with capsys.disabled():
        line = "{rows:,} rows, {size_bytes:,} bytes, in {seconds:.0f} s: {peak:.0f} MB at most, {before:.0f} MB before"
        sys.stdout.write(f"\n{source}: {line.format(**told)}\n")
    assert (told["outcome"], told["failure"]) == ("loaded", "None")
    assert (told["rows"], told["held"], told["ledger"]) == (wanted, [wanted], wanted)
    assert told["peak"] < MOST_MEGABYTES


def made(path: Path, rows: int) -> Path:
    """A file of one day."""
    with duckdb.connect(config={"memory_limit": "2GB"}) as con:
        days = con.sql(
            "SELECT DATE '2024-06-14' AS day, 'campaign ' || i % 5000 AS campaign,"
            " 'visitor-' || lpad((i * 7919)::VARCHAR, 12, '0') AS visitor, i % 1000 AS clicks, i * 17 AS impressions,"
            f" i / 7.0::DOUBLE AS cost, (i % 97) / 3.0::DOUBLE AS position FROM range({rows}) AS of(i)"
        )
        if path.suffix == ".csv":
            days.write_csv(str(path), header=True)
            return path
        with days.to_arrow_reader(ROW_GROUP) as batches, pq.ParquetWriter(path, batches.schema) as file:
            for batch in batches:
                file.write_batch(batch, ROW_GROUP)
    return path
