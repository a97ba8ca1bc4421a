"""A path that leads to no file is told as the setting has it, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dayfill.errors import Permanent

DAYS = [date(2024, 3, 1), date(2024, 3, 2)]
WHAT_TO_DO = "or correct the setting path."


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("gone.csv", "There is no file {}/gone.csv: put it there, "),
        ("*.csv", "No file matches {}/*.csv: put one there, "),
        ("{{date:%Y/%m}}/x.csv", "No file matches {}/{{date:%Y/%m}}/x.csv: put one there, "),
    ],
)
def test_no_file_at_all(path: str, said: str, tmp_path: Path, read_files: Callable[..., Any]) -> None:
    with pytest.raises(Permanent) as caught:
        read_files(tmp_path / path.format(), DAYS, date_column="d")
    assert caught.value.message == said.format(tmp_path) + WHAT_TO_DO


def test_no_file_for_one_day(tmp_path: Path, read_files: Callable[..., Any]) -> None:
    (tmp_path / "2024-03-01.csv").write_text("i\n1\n")
    got = read_files(tmp_path / "{date}.csv", DAYS)
    assert got.of("i", DAYS[0]) == [1]
    assert got.failed[DAYS[1]].message == f"There is no file {tmp_path}/2024-03-02.csv: put it there, {WHAT_TO_DO}"
