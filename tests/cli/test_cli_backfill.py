"""`dayfill backfill` against a server that answers what the test says: requests, data, notes, exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from answering import Answering, backfill
from command_line import Command

CREATE = "/x/v1/teams/7/transfers/3/backfills"
ONE = "/teams/7/backfills/12"

PLAN: dict[str, Any] = {
    "days_chosen": 31,
    "counts": {"loaded": 27, "stale": 0, "failed": 2, "missing": 2},
    "date_ranges": [["2024-01-01", "2024-01-31"]],
    "conflicts": [],
    "estimate": {"seconds_low": 50, "seconds_high": 62, "source_calls": 62},
}


def test_create_asks_for_the_range_and_prints_the_object_alone_on_stdout(command: Command, server: Answering) -> None:
    server.on("POST", CREATE, backfill("CREATED"))
    ran = command("backfill", "create", "3", "2024-01", "--only", "missing, failed", "--priority", "interactive")
    assert ran.code == 0
    assert json.loads(ran.out) == backfill("CREATED")
    assert "dayfill backfill watch 12" in ran.err
    assert server.bodies("POST") == [
        {
            "range_start": "2024-01-01",
            "range_end": "2024-01-31",
            "priority": "interactive",
            "only": ["missing", "failed"],
        }
    ]


def test_a_change_can_be_repeated_without_being_done_twice(command: Command, server: Answering) -> None:
    server.on("POST", CREATE, backfill("CREATED"))
    for _ in range(2):
        command("backfill", "create", "3", "2024-01-01")
    keys = {asked.headers["Idempotency-Key"] for asked in server.asked}
    assert len(keys) == 2  # two commands are two wishes
    assert all(asked.headers["Authorization"] == "Bearer api_test" for asked in server.asked)


def test_a_transfer_can_be_named(command: Command, server: Answering) -> None:
    server.on("GET", "/teams/7/transfers", [{"dwh_transfer_id": 3, "display_name": "Demo Ads"}])
    server.on("POST", CREATE, backfill("CREATED"))
    assert command("backfill", "create", "Demo Ads", "2024-01-01").code == 0
    ran = command("backfill", "create", "Demo", "2024-01-01")
    assert (ran.code, ran.out) == (1, "")
    assert "no transfer named 'Demo'" in ran.err


def test_a_range_that_starts_with_a_hyphen_is_a_date_and_not_an_option(command: Command, server: Answering) -> None:
    server.on("POST", CREATE, backfill("CREATED"))
    assert command("backfill", "create", "3", "-30d", "-2d", "-o", "json").code == 0
    body = server.bodies("POST")[0]
    assert body["range_start"] < body["range_end"]


def test_a_dry_run_says_what_would_happen_and_starts_nothing(command: Command, server: Answering) -> None:
    server.on("POST", f"{CREATE}/plan", PLAN)
    ran = command("backfill", "create", "3", "2024-01", "--dry-run", "-o", "table")
    assert (ran.code, ran.out) == (0, "")
    said = "Would load 31 days (27 again, 2 failed, 2 missing). 0 overlap. About 50 s to 1 min 02 s, 62 calls."
    assert ran.err.splitlines() == [said]
    assert [asked.target for asked in server.asked] == [f"{CREATE}/plan"]


def test_a_dry_run_names_what_is_in_the_way(command: Command, server: Answering) -> None:
    refusal = {"status": 422, "code": "UNPROCESSABLE_ENTITY", "description": "It overlaps backfill 12."}
    server.on("POST", f"{CREATE}/plan", PLAN | {"conflicts": [backfill()], "refusal": refusal})
    ran = command("backfill", "create", "3", "2024-01", "--dry-run")
    assert json.loads(ran.out)["conflicts"] == [backfill()]
    assert ran.code == 1 and "1 overlap." in ran.err
    assert "overlaps backfill 12: 2024-01-01 to 2024-01-04, RUNNING" in ran.err
    assert "It would be refused: It overlaps backfill 12." in ran.err


@pytest.mark.parametrize(("end", "failed", "code"), [("COMPLETED", 0, 0), ("FAILED", 2, 3), ("CANCELLED", 0, 4)])
def test_wait_ends_as_the_backfill_ends(end: str, failed: int, code: int, command: Command, server: Answering) -> None:
    server.on("POST", CREATE, backfill("CREATED"))
    server.on("GET", ONE, backfill(end, completed=4 - failed, failed=failed))
    ran = command("backfill", "create", "3", "2024-01-01", "--wait")
    assert ran.code == code
    assert json.loads(ran.out)["status"] == end
    assert f"status={end}" in ran.err
    assert ("dayfill backfill retry 12" in ran.err) == (end == "FAILED")
    assert ran.err.splitlines()[-1] == f"{server.url}/backfills/12", "a page, which a browser opens without a key"
    assert "\x1b" not in ran.err


def test_wait_with_ndjson_prints_one_object_for_each_change(
    command: Command, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dayfill.cli.follow._EVERY", 0.0)
    server.on("GET", ONE, backfill(), backfill(), backfill(completed=1), backfill("COMPLETED", completed=4))
    ran = command("backfill", "watch", "12", "-o", "ndjson")
    assert [json.loads(line)["transfer_runs_completed"] for line in ran.out.splitlines()] == [0, 1, 4]


def test_the_time_limit_leaves_the_backfill_alone(
    command: Command, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dayfill.cli.follow._EVERY", 1.0)
    server.on("GET", ONE, backfill())
    ran = command("backfill", "watch", "12", "--timeout", "1s")
    assert (ran.code, ran.out) == (5, "")
    assert "dayfill backfill cancel 12" in ran.err
    assert {asked.method for asked in server.asked} == {"GET"}


def test_ctrl_c_detaches_and_never_cancels(
    command: Command, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dayfill.cli.watch.time.sleep", interrupt)
    server.on("GET", ONE, backfill())
    ran = command("backfill", "watch", "12")
    assert ran.code == 130
    assert "dayfill backfill watch 12" in ran.err
    assert "dayfill backfill cancel 12" in ran.err
    assert {asked.method for asked in server.asked} == {"GET"}


def test_retry_names_its_cause(command: Command, server: Answering) -> None:
    server.on("POST", "/x/v1/teams/7/backfills/12/retry", backfill())
    assert command("backfill", "retry", "12", "--cause", "AUTH").code == 0
    assert command("backfill", "retry", "12").code == 0
    assert server.bodies("POST") == [{"cause": "AUTH"}, {}]


def test_cancel_asks_first_and_needs_yes_without_a_terminal(command: Command, server: Answering) -> None:
    server.on("PATCH", ONE, backfill("CANCELLED"))
    refused = command("backfill", "cancel", "12")
    assert (refused.code, server.asked) == (64, [])
    assert "--yes" in refused.err
    assert command("backfill", "cancel", "12", "-y").code == 0
    assert server.bodies("PATCH") == [{"status": "CANCELLED"}]


def test_list_goes_through_all_pages_up_to_its_limit(command: Command, server: Answering) -> None:
    path = "/x/v1/teams/7/backfills"
    first = {"meta": {"request_id": "R1234567", "next_cursor": "c2"}, "data": [backfill(), backfill()]}
    server.bare("GET", path, first)
    ran = command("backfill", "list", "--limit", "4", "--status", "RUNNING", "--status", "FAILED")
    assert len(json.loads(ran.out)) == 4
    assert server.asked[0].target == f"{path}?limit=4&status=RUNNING&status=FAILED"
    assert server.asked[1].target == f"{path}?limit=2&cursor=c2&status=RUNNING&status=FAILED"


def test_a_table_has_the_counts_and_fields_choose_the_columns(command: Command, server: Answering) -> None:
    server.on("GET", "/x/v1/teams/7/backfills", [backfill("FAILED", completed=3, failed=1)])
    table = command("backfill", "list", "-o", "table").out.splitlines()
    assert table[0].split() == "ID TRANSFER FROM TO STATUS LOADED FAILED TOTAL CREATED".split()
    assert table[1].split()[:8] == ["12", "3", "2024-01-01", "2024-01-04", "FAILED", "3", "1", "4"]
    chosen = command("backfill", "list", "-o", "table", "--fields", "status,x.rows_total").out
    assert chosen.split() == ["status", "x.rows_total", "FAILED", "130848"]
    assert json.loads(command("backfill", "list", "--fields", "status").out) == [{"status": "FAILED"}]
    assert command("backfill", "list", "-o", "ndjson", "--fields", "status").out == '{"status":"FAILED"}\n'


def test_pause_and_resume(command: Command, server: Answering) -> None:
    for verb in ("pause", "resume"):
        server.on("POST", f"/x/v1/teams/7/backfills/12/{verb}", backfill())
        assert command("backfill", verb, "12").code == 0
    assert [asked.target.rsplit("/", 1)[1] for asked in server.asked] == ["pause", "resume"]


def test_get_says_what_it_waits_for(command: Command, server: Answering) -> None:
    waiting = {"reason": "quota", "until": "2024-02-01T14:05:00Z", "cause": "RATE_LIMIT", "error": "Too many requests."}
    server.on("GET", ONE, backfill(x={"waiting": waiting}))
    ran = command("backfill", "get", "12")
    assert json.loads(ran.out)["x"] == {"waiting": waiting}
    assert ran.err == "Backfill 12 is waiting for quota until 14:05 UTC: Too many requests.\n"
    server.on("GET", ONE, backfill())
    assert command("backfill", "get", "12").err == ""
