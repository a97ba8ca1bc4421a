"""The hot reads and changes of runs, backfills and days go through their index, also with a full table."""

from __future__ import annotations

import re

import pytest

from dayfill.store.queries import QUERIES
from installation import Installation

STATES = ["sqlite"]
RUN = {"run_id": 1, "token": 1}
NOW = {"now": 1}
BACKFILL = {"backfill_id": 1}
DAY = {"transfer_id": 1, "data_date": "2024-06-14"}
PERIOD = {"transfer_id": 1, "team_id": 1, "created_from": 0, "created_to": 1, "issues_only": 0, "direction": -1}
PAGE = {"limit": 10, "offset": 0}
PAGE_OF_TEAM = {"team_id": 1, "limit": 9}
BEFORE = {"before_time": 9, "before_id": 9}

PLANS = {
    "waiting_lanes": (NOW | {"least_urgent": 3, "month": "2024-06"}, "SEARCH r USING COVERING INDEX runs_queued"),
    "claimable_runs": ({"transfer_id": 1, "priority": 1, "now": 1, "limit": 9}, "SEARCH r USING INDEX runs_queued"),
    "next_delayed": (NOW, "SEARCH runs USING COVERING INDEX runs_delayed"),
    "running_runs": ({}, "SCAN runs USING INDEX runs_running"),
    "running_runs_of_transfer": ({"transfer_id": 1}, "SEARCH runs USING INDEX runs_running"),
    "cancel_waiting_runs": (BACKFILL | NOW, "SEARCH runs USING INDEX runs_of_backfill"),
    "stop_waiting_runs": (
        BACKFILL | NOW | {"message": "", "fingerprint": ""},
        "SEARCH runs USING INDEX runs_of_backfill",
    ),
    "failed_days": ({"transfer_id": 1, "team_id": 1}, "SEARCH d USING INDEX days_failed"),
    "run_at_work": (DAY | {"team_id": 1}, "SEARCH runs USING INDEX runs_running"),
    "ended_runs_of_day": (DAY | {"team_id": 1, "limit": 9}, "SEARCH runs USING INDEX runs_of_day"),
    "newest_durations": ({"transfer_id": 1, "team_id": 1, "limit": 9}, "SEARCH d USING PRIMARY KEY"),
    "audit_of_transfer": (
        {"team_id": 1, "transfer_id": 1, "before": 9, "limit": 9},
        "SEARCH audit USING INDEX audit_of_object",
    ),
    "hold_waiting_runs": (BACKFILL, "SEARCH runs USING INDEX runs_of_backfill"),
    "release_waiting_runs": (BACKFILL | NOW, "SEARCH runs USING INDEX runs_of_backfill"),
    "newest_end": (BACKFILL, "SEARCH runs USING INDEX runs_of_backfill"),
    "failed_days_of_backfill": (BACKFILL | {"cause": ""}, "SEARCH runs USING INDEX runs_failed"),
    "backfill_failures": (BACKFILL | {"limit": 10}, "SEARCH runs USING INDEX runs_failed"),
    "hasten_recurring_run": (DAY | {"priority": 0}, "SEARCH runs USING INDEX runs_waiting_alone"),
    "superseding_run": (DAY, "SEARCH r USING INDEX runs_waiting_alone"),
    "held_run": (RUN, "SEARCH runs USING INTEGER PRIMARY KEY"),
    "get_run": ({"run_id": 1, "team_id": 1}, "SEARCH runs USING INTEGER PRIMARY KEY"),
    "newest_runs": (PERIOD | PAGE, "SEARCH runs USING INDEX runs_by_creation"),
    "runs_by_created_time": (PERIOD | PAGE, "SEARCH runs USING INDEX runs_by_creation"),
    "runs_by_ended_time": (PERIOD | PAGE, "SEARCH runs USING INDEX runs_by_creation"),
    "runs_by_data_date": (PERIOD | PAGE, "SEARCH runs USING INDEX runs_by_creation"),
    "get_backfill": ({"backfill_id": 1, "team_id": 1}, "SEARCH backfills USING INTEGER PRIMARY KEY"),
    "latest_backfill": ({"transfer_id": 1, "team_id": 1}, "SEARCH backfills USING INDEX backfills_of_transfer"),
    "incomplete_backfills": ({"team_id": 1}, "SEARCH backfills USING INDEX backfills_incomplete"),
    "page_backfills": (
        {"team_id": 1, "before_time": 9, "before_id": 9, "created_from": 0, "created_to": 9, "transfer_id": 0}
        | {"statuses": "", "limit": 5},
        "SEARCH backfills USING INDEX backfills_of_team",
    ),
    "overlapping_backfills": (
        {"transfer_id": 1, "range_start": "", "range_end": "", "except_id": 0},
        "SEARCH backfills USING INDEX backfills_active",
    ),
    "active_backfills_of_transfer": ({"transfer_id": 1}, "SEARCH backfills USING"),
    "active_work_of_team": ({"team_id": 1}, "SEARCH backfills USING INDEX backfills_not_ended"),
    "get_allowance": ({"team_id": 1, "month": "2024-06"}, "SEARCH r USING PRIMARY KEY"),
    "next_new_backfill": ({}, "SCAN backfills USING INDEX backfills_new"),
    "backfill_paces": ({"transfer_id": 1}, "SEARCH backfills USING INDEX backfills_of_transfer"),
    "day_letters": ({"transfer_id": 1, "first": "", "last": ""}, "SEARCH transfer_days USING PRIMARY KEY"),
    "day_states": ({"transfer_id": 1, "first": "", "last": ""}, "SEARCH transfer_days USING PRIMARY KEY"),
    "days_span": ({"transfer_id": 1, "team_id": 1}, "SEARCH d USING PRIMARY KEY"),
    "active_backfills_of_team": (PAGE_OF_TEAM, "SEARCH backfills USING INDEX backfills_not_ended"),
    "count_active_backfills": ({"team_id": 1}, "SEARCH backfills USING INDEX backfills_not_ended"),
    "ended_backfills": (PAGE_OF_TEAM | BEFORE, "SEARCH backfills USING INDEX backfills_of_team"),
    "ended_backfills_of_transfer": (
        PAGE_OF_TEAM | BEFORE | {"transfer_id": 1},
        "SEARCH backfills USING INDEX backfills_of_transfer",
    ),
    "runs_of_transfer": (PAGE_OF_TEAM | BEFORE | {"transfer_id": 1}, "SEARCH runs USING INDEX runs_by_creation"),
    "failed_runs_of_transfer": (
        PAGE_OF_TEAM | BEFORE | {"transfer_id": 1},
        "SEARCH runs USING INDEX runs_failed_by_creation",
    ),
    "runs_of_days": (
        PAGE_OF_TEAM | BEFORE | {"transfer_id": 1, "first": "", "last": "", "failed": 0},
        "SEARCH runs USING INDEX runs_of_day",
    ),
    "board_of_runs": (PAGE_OF_TEAM | BEFORE, "SEARCH one USING COVERING INDEX runs_by_creation"),
    "board_of_failed_runs": (PAGE_OF_TEAM | BEFORE, "SEARCH one USING COVERING INDEX runs_failed_by_creation"),
    "tally_of_days": ({"transfer_id": 1}, "SEARCH transfer_days USING PRIMARY KEY"),
    "rows_by_day": ({"transfer_ids": "[1]", "first": "", "last": ""}, "SEARCH d USING PRIMARY KEY"),
    "outdate_days": ({"transfer_id": 1}, "SEARCH transfer_days USING PRIMARY KEY"),
}
"""Query -> values, and what its plan must say. A SCAN is right only where the partial index holds nothing else."""

SORTS = {"runs_by_created_time", "runs_by_ended_time", "runs_by_data_date", "overlapping_backfills"}
SORTS |= {
    "audit_of_transfer",
    "active_backfills_of_transfer",
    "active_backfills_of_team",
    "board_of_runs",
    "board_of_failed_runs",
    "rows_by_day",
    "runs_of_days",
}
"""Queries that sort what they have found; the others find it in order."""


@pytest.fixture
async def full(installation: Installation) -> Installation:
    """A state with many rows and statistics about them, which may change SQLite's mind."""
    for table in ("runs", "backfills", "transfer_days"):
        installation.execute(f"SELECT count(*) FROM {table}")
    installation.execute("PRAGMA foreign_keys = OFF")
    fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
    installation.execute(
        fill + "INSERT INTO runs (team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority,"
        " status, created_time) SELECT 1, 1, i % 10, i, 'Backfill', 'backfill', 3, 'COMPLETED', i FROM n"
    )
    installation.execute(
        fill + "INSERT INTO backfills (team_id, transfer_id, range_start, range_end, status, priority, created_time,"
        " created_user_id, total) SELECT 1, i % 10, i, i, 'COMPLETED', 3, i, 1, 1 FROM n"
    )
    installation.execute(fill + "INSERT INTO transfer_days (transfer_id, data_date) SELECT i % 10, i FROM n")
    installation.execute("PRAGMA foreign_keys = ON")
    return installation


def plan(installation: Installation, query: str) -> str:
    """What SQLite will do, one step in a line."""
    rows = installation.execute(f"EXPLAIN QUERY PLAN {QUERIES[query].text}", **PLANS[query][0])
    return "\n".join(str(row[3]) for row in rows)


def holds(found: str, query: str) -> bool:
    """Runs of one day may be sorted among themselves: the index has brought the days in order."""
    sorts = "TEMP B-TREE" in found.replace("TEMP B-TREE FOR LAST TERM", "")
    return PLANS[query][1] in found and sorts <= (query in SORTS)


@pytest.mark.parametrize("analysed", [False, True])
async def test_every_hot_query_goes_through_its_index(full: Installation, analysed: bool) -> None:
    if analysed:
        full.execute("ANALYZE")
        full.execute("PRAGMA optimize")
    wrong = {query: found for query in PLANS if not holds(found := plan(full, query), query)}
    assert wrong == {}


async def test_a_claim_looks_for_running_days_through_their_index(full: Installation) -> None:
    assert "SEARCH held USING COVERING INDEX runs_running" in plan(full, "claimable_runs")


async def test_no_hot_query_reads_a_whole_table(full: Installation) -> None:
    for query in PLANS:
        for step in plan(full, query).splitlines():
            # What was skipped to, or found within.
            within = "SUBQUERY" in step or "CONSTANT" in step or step in ("SCAN l", "SCAN known")
            found = "INDEX" in step or within
            assert found or not step.startswith("SCAN"), query


CHANGES = {
    "claim_run", "complete_run", "end_run", "requeue_run", "retry_run", "count_created", "count_claimed",
    "count_results", "backfill_standing", "stop_backfill", "finish_backfill", "cancel_backfill", "reopen_backfill",
    "pause_backfill", "resume_backfill", "start_day", "load_day", "fail_day", "requeue_day", "release_day",
    "unqueue_day", "fail_waiting_day", "days_changed", "park_connection", "lock_transfer",
}  # fmt: skip


@pytest.mark.parametrize("query", sorted(CHANGES))
async def test_every_change_is_keyed(installation: Installation, query: str) -> None:
    text = re.sub(r":\w+", "?", QUERIES[query].text)
    steps = installation.db._writer.execute(f"EXPLAIN QUERY PLAN {text}", [1] * text.count("?")).fetchall()
    assert [str(step[3]).split(" (")[0].split(" ", 2)[2] for step in steps] in (
        ["USING INTEGER PRIMARY KEY"],
        ["USING PRIMARY KEY"],
    )
