"""What a dispatcher asks PostgreSQL reads no finished runs: each of its statements goes through an index of open ones.

PostgreSQL is asked for its plan with a long history and statistics about it: for given values, as the first calls of
a statement are planned, and for any, as later ones may be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dayfill.store.postgresql.statements import STATEMENTS
from dayfill.store.queries import of_postgresql
from installation import Installation

STATES = ["postgresql"]
QUERIES = of_postgresql()

LANE = {"transfer_id": 7, "priority": 1, "now": 9, "limit": 8}
DAY = {"transfer_id": 7, "data_date": "2024-06-14"}
RUN = {"run_id": 7, "token": 7, "now": 9}
FAILED = {"status": "FAILED", "message": "", "cause": "", "fingerprint": "", "queries": "[]"}
LOADED = {"row_count": 1, "content_hash": "0"}
PLANS: dict[str, tuple[dict[str, object], set[str]]] = {
    "waiting_lanes": ({"least_urgent": 3, "now": 9, "month": "2024-06"}, {"runs_queued", "runs_running"}),
    "claimable_runs": (LANE, {"runs_queued", "runs_running"}),
    "claim_run": (RUN | {"owner": "a"}, {"runs_pkey"}),
    "held_run": (RUN, {"runs_pkey"}),
    "complete_run": (RUN | LOADED | {"queries": "[]"}, {"runs_pkey"}),
    "end_run": (RUN | FAILED, {"runs_pkey"}),
    "requeue_run": (RUN | FAILED | {"priority": 2, "not_before": 9, "give_back": 0}, {"runs_pkey"}),
    "start_day": (DAY, {"transfer_days_pkey"}),
    "load_day": (DAY | LOADED | RUN, {"transfer_days_pkey"}),
    "fail_day": (DAY | RUN, {"transfer_days_pkey"}),
    "requeue_day": (DAY, {"transfer_days_pkey"}),
    "release_day": (DAY, {"transfer_days_pkey"}),
    "running_runs": ({}, {"all of runs_running"}),
    "running_runs_of_transfer": ({"transfer_id": 7}, {"runs_running"}),
    "next_delayed": ({"now": 9}, {"runs_delayed"}),
    "hasten_delayed_runs": ({"now": 9}, {"runs_delayed"}),
    "superseding_run": (DAY, {"runs_waiting_alone"}),
    "stop_waiting_recurring_runs": (
        {"transfer_id": 7, "now": 9, "message": "", "fingerprint": ""},
        {"runs_waiting_alone"},
    ),
    "release_waiting_runs": ({"backfill_id": 3, "now": 9}, {"runs_of_backfill"}),
    "stop_waiting_runs": ({"backfill_id": 3, "now": 9, "message": "", "fingerprint": ""}, {"runs_of_backfill"}),
    "retry_run": (RUN | {"priority": 2}, {"runs_pkey"}),
    "next_new_backfill": ({}, {"all of backfills_new"}),
    "count_created": ({"backfill_id": 3, "inserted": 1}, {"backfills_pkey"}),
    "finish_backfill": ({"backfill_id": 3, "status": "FAILED", "now": 9}, {"backfills_pkey"}),
    "backlog": ({}, {"all of runs_queued", "all of runs_running"}),
}
"""Statement -> values, and the indexes through which it reads runs, days and backfills."""
TABLES = ("runs", "transfer_days", "backfills")
_THEIRS = f"tablename IN {TABLES}"

_FINISHED = """
SET session_replication_role = replica;
INSERT INTO transfers (team_id, display_name, data_source_id, schema_id, destination_id, connection_id, state,
  configuration, zone, parallelism, deadline_seconds, created_time, created_user_id)
SELECT 1, n, 'FILES', 1, 1, 1, 'active', '{}', 'UTC', 4, 60, n, 1 FROM generate_series(1, 100) AS c(n);
INSERT INTO runs (team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status,
  created_time, ended_time)
SELECT 1, 1 + n % 100, CASE WHEN n % 3 > 0 THEN 1 + n % 100 END, CAST(DATE '2024-06-14' - n / 100 AS TEXT), 'Recurring',
  'schedule', 1, CASE WHEN n % 500 > 0 THEN 'COMPLETED' ELSE 'FAILED' END, n, n
FROM generate_series(501, 20000) AS c(n);
INSERT INTO transfer_days (transfer_id, data_date, settled) SELECT transfer_id, data_date, 'l' FROM runs;
INSERT INTO backfills (team_id, transfer_id, range_start, range_end, status, priority, created_time, created_user_id,
  total) SELECT 1, n % 100, n, n, 'COMPLETED', 3, n, 1, 1 FROM generate_series(1, 5000) AS c(n);
ANALYZE"""
_OPEN = """
INSERT INTO runs (team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, owner,
  not_before, created_time)
SELECT 1, 1 + n % 100, CASE WHEN n % 3 > 0 THEN 1 + n % 100 END, CAST(DATE '2024-06-14' - n / 100 AS TEXT), 'Recurring',
  'schedule', 1, CASE WHEN n > 8 THEN 'QUEUED' ELSE 'RUNNING' END, CASE WHEN n <= 8 THEN 'a' END,
  CASE WHEN n BETWEEN 9 AND 12 THEN n ELSE 0 END, n
FROM generate_series(1, 500) AS c(n);
ANALYZE"""


@pytest.fixture(params=["idle", "at work"])
async def full(installation: Installation, request: pytest.FixtureRequest) -> Installation:
    """A state with much that is finished, as the planner knows; something is open, or nothing."""
    for statement in (f"{_FINISHED};{_OPEN}" if request.param == "at work" else _FINISHED).split(";\n"):
        installation.execute(statement)
    installation.execute("SET session_replication_role = origin")
    return installation


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every step of a plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from steps(below)


def reads(plan: dict[str, Any], leading: dict[str, str]) -> set[str]:
    """The indexes by whose first column a plan comes to runs, days and backfills, and what it reads "all of".

    leading: the first column of each index of these tables.
    """
    found = {step["Relation Name"]: "" for step in steps(plan) if step["Node Type"] == "Seq Scan"}
    found |= {step["Index Name"]: step.get("Index Cond", "") for step in steps(plan) if "Index Name" in step}
    of_tables = {name: condition for name, condition in found.items() if name in leading}
    return {name if f"({leading[name]} " in text else f"all of {name}" for name, text in of_tables.items()}


async def test_what_a_dispatcher_asks_goes_through_keys_and_the_indexes_of_open_runs(full: Installation) -> None:
    columns = full.execute(f"SELECT indexname, substring(indexdef FROM '[(]([a-z_]+)') FROM pg_indexes WHERE {_THEIRS}")
    leading = {str(name): str(column) for name, column in columns} | dict.fromkeys(TABLES, "nothing")
    full.execute("SET plan_cache_mode = force_generic_plan")
    wrong = {}
    for query, (values, expected) in PLANS.items():
        statement = STATEMENTS[query]
        given = {name: [value] if statement.takes_lists else value for name, value in values.items()}
        full.execute(f"PREPARE {query} AS {statement.text}")
        nothing = ", ".join(["NULL"] * len(statement.names))
        plans = {
            "these values": full.execute(f"EXPLAIN (FORMAT JSON) {QUERIES[query].text}", **given),
            "any values": full.execute(f"EXPLAIN (FORMAT JSON) EXECUTE {query} {nothing and f'({nothing})'}"),
        }
        for of, rows in plans.items():
            found = reads(json.loads(str(rows[0][0]))[0]["Plan"], leading)
            if found != expected:
                wrong[query, of] = found
    assert wrong == {}
