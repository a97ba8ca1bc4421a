"""Small files of several days are read in one go, and say nothing else than each of them read alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dayfill import sources
from dayfill.domain.transfer import Field, Table
from dayfill.errors import Transient
from dayfill.roots import Place
from dayfill.sources import DaysRead, SourceConfig
from dayfill.sources.files import query, reading, selection
from dayfill.sources.files.look import Look, TextForm
from dayfill.sources.files.paths import Stamp
from dayfill.sources.files.plan import Plan
from dayfill.sources.files.query import Scan
from reaching import TEMP

ReadFiles = Callable[..., Any]
DAYS = [date(2024, 3, day) for day in (1, 2, 3, 5)]
TYPES = {"d": "DATE", "n": "INTEGER", "t": "STRING"}
WRONG = {
    "value": "d,n,t\n{day},1,a\n{day},x,b\n",
    "fraction": "d,n,t\n{day},1.5,a\n",
    "day of a neighbour": "d,n,t\n{day},1,a\n2024-03-01,2,b\n",
    "no day": "d,n,t\n{day},1,a\n,2,b\n",
    "quote": 'd,n,t\n{day},1,"a\n{day},2,b\n',
    "column": "d,n,t\n{day},1,a,b,c\n",
    "columns": "d,n\n{day},1\n",
    "nothing": "",
}


def written(folder: Path) -> None:
    """Two rows for each day, in a file of its own."""
    for day in DAYS:
        (folder / f"{day}.csv").write_text(f"d,n,t\n{day},{day.day},a\n{day},{day.day}0,\n")


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_file_that_is_wrong_fails_its_own_day_as_if_it_were_read_alone(
    text: str, tmp_path: Path, read_files: ReadFiles
) -> None:
    written(tmp_path)
    (tmp_path / f"{DAYS[2]}.csv").write_text(text.format(day=DAYS[2]))
    path = tmp_path / "{date}.csv"
    got = read_files(path, DAYS, TYPES, date_column="d")
    for day in DAYS:
        alone = read_files(path, [day], TYPES, date_column="d")
        assert (day in got.failed) == (day in alone.failed) == (day == DAYS[2])
        if day in alone.failed:
            assert got.failed[day].message == alone.failed[day].message
        else:
            assert got.of("n", day) == alone.of("n", day) == [day.day, day.day * 10]


def test_each_row_of_a_file_without_a_date_gets_the_day_of_its_file(tmp_path: Path, read_files: ReadFiles) -> None:
    for day in DAYS:
        (tmp_path / f"{day}.jsonl").write_text(f'{{"n": {day.day}}}\n' * 2)
        pq.write_table(pa.table({"n": [day.day] * 2}), tmp_path / f"{day}.parquet")
    for ending in ("jsonl", "parquet"):
        got = read_files(tmp_path / f"{{date}}.{ending}", DAYS)
        assert {day: got.of("n", day) for day in DAYS} == {day: [day.day] * 2 for day in DAYS}


def opened(folder: Path) -> DaysRead:
    config = SourceConfig({"path": str(folder / "{date}.csv"), "date_column": "d"}, reach=TEMP)
    table = Table("t", tuple(Field(name, name, kind) for name, kind in TYPES.items()))
    return sources.get("FILES").read_days(config, table, DAYS, 60)


def test_files_that_unfold_to_more_than_memory_should_hold_are_read_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, as_ever = [], query.reading

    def counted(plan: Plan, scans: Sequence[Scan]) -> str:
        asked.append(len(scans))
        return as_ever(plan, scans)

    written(tmp_path)
    monkeypatch.setattr(query, "reading", counted)
    assert opened(tmp_path).reader.read_all().num_rows == 8
    assert asked == [4]
    monkeypatch.setattr(reading, "_TOGETHER_BYTES", 100)
    assert opened(tmp_path).reader.read_all().num_rows == 8
    assert asked == [4, 4, 1, 1, 1, 1]


@pytest.mark.parametrize("is_open", [False, True])
def test_a_file_that_changes_meanwhile_is_told_by_its_name(
    is_open: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change() -> None:
        with (tmp_path / f"{DAYS[1]}.csv").open("a") as file:
            file.write(f"{DAYS[1]},3,c\n")

    def planned(plan: Plan, scans: Sequence[Scan]) -> str:
        change()
        return as_ever(plan, scans)

    written(tmp_path)
    as_ever, read = query.reading, opened(tmp_path)
    if is_open:
        monkeypatch.setattr(query, "reading", planned)
    else:
        change()
    with pytest.raises(Transient, match=rf"{DAYS[1]}\.csv changed while it was read"):
        read.reader.read_all()


def test_which_scans_are_read_together() -> None:
    names = map(str, count())
    csv, other = (Look("csv", ((name, "VARCHAR"),), TextForm()) for name in "ab")

    def scan(shape: Look = csv, size: int = 1_500_000, files: int = 1) -> Scan:
        made = (Stamp(next(names), Place("x", "/", ("x",)), size, 0, (0, 0)) for _ in range(files))
        return Scan(shape, tuple(made), (DAYS[0],))

    def sizes(*scans: Scan) -> list[int]:
        return [len(group) for group in selection._together(scans)]

    assert sizes(scan(), scan()) == [2]
    assert sizes(scan(csv), scan(other)) == [1, 1]
    assert sizes(*(scan() for _ in range(5))) == [2, 2, 1]
    assert sizes(scan(size=9_000_000), scan(), scan(), scan(size=9_000_000)) == [1, 2, 1]
    assert sizes(*(scan(size=1, files=30) for _ in range(3))) == [2, 1]
    assert sizes(*[scan()] * 2) == [1, 1]
