"""kill -9 of `dayfill serve` half-way through the flights, and a restart: every day once, none lost."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
from pathlib import Path

import pytest
from processes import NO_DIFFERENCE, PATIENCE, Process, dayfill, differences, flights_csv, server, totals

from dayfill.cli import demo_flights

pytestmark = pytest.mark.timeout(2 * PATIENCE)


def completed(state: Path) -> int:
    """Completed days of the newest backfill, as the state database says."""
    with sqlite3.connect(f"file:{state}?mode=ro", uri=True) as database:
        row = database.execute("SELECT completed FROM backfills ORDER BY backfill_id DESC LIMIT 1").fetchone()
    database.close()
    return int(row[0]) if row else 0


def test_after_kill_9_and_a_restart_the_flights_equal_the_csv(tmp_path: Path) -> None:
    data_dir, warehouse = tmp_path / "data", tmp_path / "warehouse.duckdb"
    csv = demo_flights.unpack(flights_csv(), tmp_path)
    with server(tmp_path / "log1", data_dir) as (process, url):
        client = _client(process, url)
        _transfer(client, warehouse, csv)
        made = dayfill("backfill", "create", "Flights", "2013", **client)
        backfill = json.loads(made.stdout)["transfer_backfill_id"]
        process.wait_for(lambda: completed(data_dir / "state.sqlite") > 0, "progress")
        assert process.end(signal.SIGKILL) == -signal.SIGKILL
    assert 0 < completed(data_dir / "state.sqlite") < 365
    with server(tmp_path / "log2", data_dir) as (process, url):
        ended = dayfill("backfill", "watch", backfill, **client | {"DAYFILL_URL": url})
        assert ended.returncode == 0, ended.stderr
        assert process.end() == 0, process.said()
    assert totals(warehouse, "flights") == (336_776, 365, 365)
    assert differences(warehouse, csv) == NO_DIFFERENCE
    checked = dayfill("doctor", "--data-dir", data_dir, DAYFILL_FILE_ROOTS=tmp_path)
    assert checked.returncode == 0, checked.stdout


def _client(process: Process, url: str) -> dict[str, str]:
    key = process.wait_for(lambda: re.search(r"DAYFILL_API_KEY=(\S+)", process.said()), "key")[1]
    return {"DAYFILL_URL": url, "DAYFILL_API_KEY": key, "DAYFILL_TEAM_ID": "1"}


def _transfer(client: dict[str, str], warehouse: Path, csv: Path) -> None:
    """The flights as a person would set them up, with inferred columns."""
    target = ["--type", "DWH_DUCKDB", "--field", f"path={warehouse}"]
    made = dayfill("destination", "create", "warehouse", *target, **client)
    assert made.returncode == 0, made.stderr
    settings = [f"path={csv}", "date_expression=make_date(year, month, day)", "null_values=NA"]
    words = ["Flights", "--source", "FILES", "--destination", "warehouse", "--table", "flights"]
    made = dayfill("transfer", "create", *words, *(part for one in settings for part in ("--set", one)), **client)
    assert made.returncode == 0, made.stderr
