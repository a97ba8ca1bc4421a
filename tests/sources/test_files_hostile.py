"""Files that were made to do harm: patterns without end, bombs, holes, false sizes, names that lead elsewhere."""

from __future__ import annotations

import glob
import gzip
import json
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from csv import writer as csv_writer
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dayfill import roots
from dayfill.domain.table_group import column_name
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.roots import Place
from dayfill.sources.files import connection, look, paths, pattern
from reaching import TEMP

DAY = date(2024, 2, 29)


def csv(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("d,n", *rows)) + "\n")
    return path


def refusal(read_files: Callable[..., Any], path: Path | str, **settings: object) -> ConnectorError:
    """The error of a reading, wherever it comes up."""
    try:
        found = read_files(path, [DAY], date_column="d", **settings)
    except ConnectorError as error:
        return error
    return found.failed[DAY]


@pytest.mark.parametrize(
    ("cap", "most", "said"),
    [
        ("MOST_ENTRIES", 20, "through more than 20 files and folders"),
        ("DEEPEST", 3, "more than 3 folders deep"),
        ("MOST_SECONDS", -1.0, "on for more than -1 seconds"),
    ],
)
def test_a_pattern_does_not_search_for_ever(
    tmp_path: Path, read_files: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, cap: str, most: float, said: str
) -> None:
    for number in range(30):
        csv(tmp_path / f"{number}" / "a.csv", "2024-02-29,1")
    csv(tmp_path / "1" / "2" / "3" / "4" / "5" / "a.csv", "2024-02-29,1")
    assert read_files(tmp_path / "**" / "*.csv", [DAY], date_column="d").rows.num_rows == 31
    monkeypatch.setattr(pattern, cap, most)
    assert said in refusal(read_files, tmp_path / "**" / "*.csv").message


PARTS = ["*", "**", "[0-9]*", ".*", "*/*", "**/*.csv", "1*/**/b.csv", "[1]/a.csv", "?/?.csv", "**/1/*", "*/x/b.csv"]


@pytest.mark.parametrize("part", PARTS)
def test_a_pattern_finds_what_python_finds(tmp_path: Path, part: str) -> None:
    for name in ("1/a.csv", "1/b.csv", "12/x/b.csv", "3/.h.csv", ".5/a.csv", "top.csv"):
        csv(tmp_path / name)
    found = {named for named, _, _ in pattern.matching(f"{tmp_path}/{part}", TEMP)}
    assert found == {name for name in glob.glob(f"{tmp_path}/{part}", recursive=True) if os.path.isfile(name)}


def test_a_pattern_does_not_go_through_a_link_that_leads_out(tmp_path: Path, read_files: Callable[..., Any]) -> None:
    csv(tmp_path / "a.csv", "2024-02-29,1")
    (tmp_path / "etc").symlink_to("/etc")
    assert read_files(tmp_path / "**" / "*.csv", [DAY], date_column="d").rows.num_rows == 1
    (tmp_path / "b.csv").symlink_to("/etc/hosts")
    assert "is outside the folders" in refusal(read_files, tmp_path / "*.csv").message


def test_a_link_that_is_there_only_while_the_engine_opens_the_name_is_not_followed(
    tmp_path: Path, read_files: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after it all looks as it did, so that no comparison would find anything."""
    path, other = csv(tmp_path / "a.csv", "2024-02-29,1"), csv(tmp_path / "other.csv", "2024-02-29,666")
    held, moved = roots.held, tmp_path / "moved.csv"
    swaps = []

    @contextmanager
    def swapping(place: Place) -> Iterator[int]:
        with held(place) as descriptor:
            swaps.append(path.rename(moved))
            path.symlink_to(other)
            yield descriptor
            path.unlink()
            moved.rename(path)

    monkeypatch.setattr(roots, "held", swapping)
    error = refusal(read_files, path)
    assert swaps
    assert isinstance(error, Transient) and "changed while it was read" in error.message


def test_a_file_that_became_a_link_has_changed(tmp_path: Path) -> None:
    (stamp,) = paths.find(str(csv(tmp_path / "a.csv", "2024-02-29,1")), TEMP)
    (tmp_path / "a.csv").rename(tmp_path / "b.csv")
    (tmp_path / "a.csv").symlink_to(tmp_path / "b.csv")
    with pytest.raises(Transient, match="changed"), paths.opened([stamp]):
        pass


def test_a_parquet_bomb_is_not_unpacked_to_its_end(tmp_path: Path, read_files: Callable[..., Any]) -> None:
    path = tmp_path / "a.parquet.gz"
    with gzip.open(path, "wb") as packed:
        for _ in range(100):
            packed.write(bytes(1 << 20))
    assert path.stat().st_size < 200_000
    error = refusal(read_files, path)
    assert isinstance(error, Permanent) and "unpacks to more than" in error.message


@pytest.mark.parametrize(("ending", "most"), [("csv.gz", "2,000,000 characters"), ("json.gz", "16,777,216 bytes")])
def test_a_bomb_of_one_line_is_not_taken_into_memory(
    tmp_path: Path, read_files: Callable[..., Any], ending: str, most: str
) -> None:
    path = tmp_path / f"a.{ending}"
    with gzip.open(path, "wb") as packed:
        for _ in range(100):
            packed.write(b"0" * (1 << 20))
    assert f"longer than {most}" in refusal(read_files, path).message


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_file_of_holes_is_refused_at_once(tmp_path: Path, read_files: Callable[..., Any], ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert isinstance(refusal(read_files, path), Permanent)


def test_a_parquet_file_that_lies_about_its_footer_is_refused_unread(
    tmp_path: Path, read_files: Callable[..., Any]
) -> None:
    path = tmp_path / "a.parquet"
    with path.open("wb") as file:
        file.truncate(1 << 33)
        file.seek(-8, os.SEEK_END)
        file.write(struct.pack("<I", (1 << 32) - 1) + b"PAR1")
    assert "states a footer of 4,294,967,295 bytes" in refusal(read_files, path).message


@pytest.mark.parametrize(
    ("cap", "said"),
    [("_MOST_COLUMNS", "has 3 columns; at most 2"), ("_MOST_ROW_GROUPS", "has 3 row groups; at most 2")],
)
def test_a_parquet_file_of_too_many_parts_is_refused(
    tmp_path: Path, read_files: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, cap: str, said: str
) -> None:
    rows = pa.table({"d": pa.array([DAY] * 3), "n": pa.array([1, 2, 3]), "m": pa.array([1, 2, 3])})
    pq.write_table(rows, tmp_path / "a.parquet", row_group_size=1)
    monkeypatch.setattr(look, cap, 2)
    assert said in refusal(read_files, tmp_path / "a.parquet").message


def test_more_files_than_are_held_open_together_are_read(tmp_path: Path, read_files: Callable[..., Any]) -> None:
    for number in range(150):
        csv(tmp_path / f"{number}.csv", f"2024-02-29,{number}")
    read = read_files(tmp_path / "*.csv", [DAY], date_column="d")
    assert sorted(read.of("n")) == list(range(150))


def test_rows_as_long_as_a_line_may_be_are_read_whole(tmp_path: Path, read_files: Callable[..., Any]) -> None:
    """Each goes over the end of what the engine reads at once."""
    lengths = [1_999_900, 3, 1_999_950, 1_500_000]
    path = csv(tmp_path / "a.csv", *(f'2024-02-29,"{"y" * length}"' for length in lengths))
    assert sorted(map(len, read_files(path, [DAY], date_column="d").of("n"))) == sorted(lengths)


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_column_is_read_by_whatever_name(tmp_path: Path, read_files: Callable[..., Any], ending: str) -> None:
    names = ['"; DROP TABLE t; --', "'); SELECT 1; --", "select", "a\u202eb", "x" * 300, "raw:0", "c0", "\u00e9 \\ {n}"]
    path, row = tmp_path / f"a.{ending}", {"d": "2024-02-29", **{name: str(n) for n, name in enumerate(names)}}
    if ending == "csv":
        with path.open("w", newline="") as file:
            writer = csv_writer(file)
            writer.writerows([row.keys(), row.values()])
    elif ending == "json":
        path.write_text(json.dumps(row) + "\n")
    else:
        pq.write_table(pa.table({name: [DAY if name == "d" else value] for name, value in row.items()}), path)
    read = read_files(path, [DAY], date_column="d")
    assert [read.of(column_name(name)) for name in names] == [
        [n] if ending != "parquet" else [str(n)] for n in range(len(names))
    ]


def test_a_row_group_larger_than_a_reading_may_hold_is_refused_and_takes_no_memory(
    tmp_path: Path, read_files: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"d": pa.array([DAY] * 100_000), **{f"c{n}": pa.array(range(n, n + 100_000)) for n in range(40)}}
    pq.write_table(pa.table(rows), tmp_path / "a.parquet", use_dictionary=False, compression="none")
    assert connection.connect([]).sql("SELECT current_setting('memory_limit')").fetchall() == [("1.8 GiB",)]
    monkeypatch.setitem(connection._CONFIG, "memory_limit", "16MB")
    error = refusal(read_files, tmp_path / "a.parquet")
    assert isinstance(error, Permanent) and error.cause == "TOO_LARGE", error
    assert "more than the 15.2 MiB of memory" in error.message
