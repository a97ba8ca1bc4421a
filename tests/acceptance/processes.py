"""The real `dayfill` in processes of its own, and the flights to compare a warehouse with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb

from dayfill.cli import demo_flights

DAYFILL = [sys.executable, "-m", "dayfill"]
PATIENCE = 300.0
_DUCKDB_TYPES = {"INTEGER": "BIGINT", "STRING": "VARCHAR", "TIMESTAMPTZ": "TIMESTAMPTZ"}


def environment(**more: object) -> dict[str, str]:
    """The environment without settings of the person who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DAYFILL_", "SUPERMETRICS_"))}
    return kept | {"DAYFILL_CONFIG": os.devnull} | {name: str(value) for name, value in more.items()}


@dataclass
class Process:
    """A running command whose stderr goes to a file."""

    popen: subprocess.Popen[str]
    log: Path

    def wait_for(self, look: Callable[[], Any], what: str) -> Any:
        """What ``look`` finds, as soon as it is true; fails if the process ends before."""
        end = time.monotonic() + PATIENCE
        while not (found := look()):
            assert self.popen.poll() is None, f"{what}: the process ended with {self.popen.returncode}\n{self.said()}"
            assert time.monotonic() < end, f"{what}: not in {PATIENCE} s\n{self.said()}"
            time.sleep(0.02)
        return found

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def end(self, signal_number: int = signal.SIGINT) -> int:
        """Send the signal; returns the exit code."""
        self.popen.send_signal(signal_number)
        return self.popen.wait(PATIENCE)


@contextmanager
def started(log: Path, *words: object, stdout: int | IO[str] = subprocess.DEVNULL, **env: object) -> Iterator[Process]:
    """``dayfill`` with these words, killed at the end if it still runs."""
    with log.open("w") as stderr:
        command = [*DAYFILL, *map(str, words)]
        popen = subprocess.Popen(command, stdout=stdout, stderr=stderr, text=True, env=environment(**env))
    try:
        yield Process(popen, log)
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait()


@contextmanager
def server(log: Path, data_dir: Path) -> Iterator[tuple[Process, str]]:
    """``dayfill serve`` on any free port; the process and its address."""
    words = ("serve", "--data-dir", data_dir, "--bind", "127.0.0.1:0")
    with started(log, *words, DAYFILL_FILE_ROOTS=data_dir.parent) as process:
        found = process.wait_for(lambda: re.search(r"dayfill serves (http://\S+) ", process.said()), "serve")
        yield process, found[1]


def dayfill(*words: object, **env: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [*DAYFILL, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment(**env))


def flights_csv() -> Path:
    packed = demo_flights.archive()
    assert packed is not None, 'the tests need the flights: pip install "dayfill[demo]"'
    return packed


def differences(warehouse: Path, csv: Path) -> dict[str, Any]:
    """What differs between the loaded flights and the CSV, which DuckDB reads here on its own: nothing, if all is well.

    days: dates whose row count, sums or nulls differ. missing, surplus: whole rows, each as often as it stands there.
    """
    types = {name: _DUCKDB_TYPES[data_type] for name, data_type in demo_flights.COLUMNS.items()}
    names = ", ".join(types)
    numbers = [name for name, data_type in types.items() if data_type == "BIGINT"]
    figures = ", ".join([*(f"sum({name})" for name in numbers), *(f"count(*) - count({name})" for name in types)])
    by_day = f"day_of, count(*), {figures}"
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute(
            f"CREATE TEMP VIEW truth AS SELECT make_date(year, month, day) AS day_of, {names} FROM read_csv($path,"
            f" header = true, nullstr = 'NA', columns = {types!r})".replace("$path", f"'{csv}'")
        )
        con.execute(f"CREATE TEMP VIEW loaded AS SELECT data_date AS day_of, {names} FROM flights")
        both = [f"SELECT {by_day} FROM {side} GROUP BY day_of" for side in ("truth", "loaded")]
        rows = [
            (f"SELECT * FROM {a} EXCEPT ALL SELECT * FROM {b}") for a, b in (("truth", "loaded"), ("loaded", "truth"))
        ]
        return {
            "days": con.sql(f"({both[0]} EXCEPT {both[1]}) UNION ALL ({both[1]} EXCEPT {both[0]})").fetchall(),
            "missing": con.sql(f"SELECT count(*) FROM ({rows[0]})").fetchall()[0][0],
            "surplus": con.sql(f"SELECT count(*) FROM ({rows[1]})").fetchall()[0][0],
        }


NO_DIFFERENCE = {"days": [], "missing": 0, "surplus": 0}


def totals(warehouse: Path, table: str) -> tuple[int, int, int]:
    """Rows and days of a loaded table, and its rows in the ledger."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        rows, days = con.sql(f"SELECT count(*), count(DISTINCT data_date) FROM {table}").fetchall()[0]
        (ledger,) = con.sql(f"SELECT count(*) FROM _dayfill_days WHERE table_name ILIKE '{table}'").fetchall()[0]
    return rows, days, ledger


def read_json(path: Path) -> Any:
    """The JSON in a file, None as long as there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
