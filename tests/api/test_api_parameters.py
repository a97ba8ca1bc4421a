"""Query parameters that cannot be read: one table of all of them, each refused with what to send instead."""

from __future__ import annotations

import pytest

import seeds
from installation import Installation

RUNS, RANGE = "/teams/{team}/transfers/{transfer}/runs", "start_date=2024-01-01&end_date=2024-01-02&"
OPTIONS = "/teams/{team}/transfers/available-options"
EVENTS, AUDIT = "/x/v1/teams/{team}/events", "/x/v1/teams/{team}/audit"
BACKFILLS, DAYS = "/x/v1/teams/{team}/backfills", "/x/v1/teams/{team}/transfers/{transfer}/days"
DATA = "/query/data/json"

NUMBER = "The query parameter {} must be a whole number from {} to {}."
CHOICE = "The query parameter {} must be one of {}."
ID = 2**63 - 1
A_MOMENT = "The query parameter {} must be a date (2024-01-31) or a time (2024-01-31T09:00:00Z) of the calendar."
NO_CURSOR = (
    "The query parameter cursor is not one that this server gave. Send meta.next_cursor of the page before, or leave "
    "it out."
)
BOTH_DATES = "The query parameters start_date and end_date are both needed. Send dates such as 2024-01-31."
SHAPE = " See /openapi.yaml for what it may hold."

TABLE = [
    (f"{RUNS}", BOTH_DATES),
    (f"{RUNS}?start_date=2024-01-01", BOTH_DATES),
    (f"{RUNS}?start_date=soon&end_date=2024-01-02", A_MOMENT.format("start_date")),
    (f"{RUNS}?start_date=2024-01-01&end_date=2024-02-30", A_MOMENT.format("end_date")),
    (f"{RUNS}?{RANGE}filter_issues_only=yes", CHOICE.format("filter_issues_only", "false, true")),
    (f"{RUNS}?{RANGE}sort_field=id", CHOICE.format("sort_field", "created_time, ended_time, data_date")),
    (f"{RUNS}?{RANGE}sort_direction=up", CHOICE.format("sort_direction", "DESC, ASC")),
    (f"{RUNS}?{RANGE}limit=0", NUMBER.format("limit", 1, 10_000)),
    (f"{RUNS}?{RANGE}limit=10001", NUMBER.format("limit", 1, 10_000)),
    (f"{RUNS}?{RANGE}offset=-1", NUMBER.format("offset", 0, 2**53)),
    (OPTIONS, "The query parameter source_id is missing. Send the id of a data source, such as FILES."),
    (
        f"{OPTIONS}?source_id=FILES",
        "The query parameter destination_id is missing. Send a whole number from 1 to 2147483647.",
    ),
    (f"{OPTIONS}?source_id=FILES&destination_id=x", NUMBER.format("destination_id", 1, 2**31 - 1)),
    (EVENTS, "Name what to watch: the query parameter transfer_id or backfill_id is needed."),
    (f"{EVENTS}?transfer_id=x", NUMBER.format("transfer_id", 1, ID)),
    (f"{EVENTS}?backfill_id=0", NUMBER.format("backfill_id", 1, ID)),
    (
        f"{BACKFILLS}?status=DONE",
        CHOICE.format("status", "CREATED, SCHEDULED, RUNNING, FAILED, COMPLETED, CANCELLED"),
    ),
    (f"{BACKFILLS}?transfer_id=1.5", NUMBER.format("transfer_id", 1, ID)),
    (f"{BACKFILLS}?created_from=2024-13-01", A_MOMENT.format("created_from")),
    (f"{BACKFILLS}?created_to=now", A_MOMENT.format("created_to")),
    (f"{BACKFILLS}?limit=501", NUMBER.format("limit", 1, 500)),
    (f"{BACKFILLS}?cursor=next", NO_CURSOR),
    (f"{BACKFILLS}?cursor=WzkyMjMzNzIwMzY4NTQ3NzU4MDcsMV0", NO_CURSOR),
    (
        f"{DAYS}?from=1.1.2024",
        "The query parameter from: '1.1.2024' is not a date of the form YYYY-MM-DD. Send one such as 2024-01-31.",
    ),
    (
        f"{DAYS}?to=2023-02-29",
        "The query parameter to: 2023-02-29 is not a day of the calendar. Send one such as 2024-01-31.",
    ),
    (f"{DAYS}?to=1989-12-31", "The query parameter to must lie between 1990-01-01 and 2100-12-31."),
    (f"{AUDIT}?object=", "The query parameter object must name a kind and an id, such as transfer:7."),
    (f"{AUDIT}?user_id=me", NUMBER.format("user_id", 1, ID)),
    (f"{AUDIT}?from=monday", A_MOMENT.format("from")),
    (f"{AUDIT}?to=monday", A_MOMENT.format("to")),
    (f"{AUDIT}?cursor=WzEsMl0", NO_CURSOR),
    (f"{AUDIT}?limit=501", NUMBER.format("limit", 1, 500)),
    ("/ds/login/{login}/accounts?offset=1000001", NUMBER.format("offset", 0, 1_000_000)),
    ("/ds/login/{login}/accounts?limit=1001", NUMBER.format("limit", 1, 1_000)),
    ("/v1/teams/{team}/custom-fields?include_total_count=1", CHOICE.format("include_total_count", "false, true")),
    (
        "/v1/teams/{team}/connector_builder/connectors?include_configs=1",
        CHOICE.format("include_configs", "false, true"),
    ),
    ("/query/accounts?ds_id=FILES&cache_minutes=59", f"Query: Expected `int` >= 60 - at `$.cache_minutes`.{SHAPE}"),
    ("/query/accounts", f"Query: Object missing required field `ds_id`.{SHAPE}"),
    ("/query/status", f"Query: Object missing required field `schedule_id`.{SHAPE}"),
    ("/query/results?schedule_id=1&limit=0", f"Query: Expected `int` >= 1 - at `$.limit`.{SHAPE}"),
    (f"{DATA}?ds_id=FILES&ds_id=SQL", "The query parameter ds_id is given twice. Keep one of them."),
    (f"{DATA}?json=1", "The query must be a JSON object."),
    (f"{DATA}?json=[", "The parameter json is not JSON: Expecting value (line 1). Mend it there."),
    (f"{DATA}?json=%7B%7D&ds_id=FILES", "Send the query as one json parameter or as plain parameters, not as both."),
    (
        f"{DATA}?settings=%7B'a'",
        "The parameter settings is not JSON: Expecting property name enclosed in double quotes (line 1). Mend it "
        "there.",
    ),
    (
        f"{DATA}?settings=%7B'a': '\\N{{x}}'%7D",
        "The query's settings are neither JSON nor a dict as Python writes it. Send JSON.",
    ),
    (f"{DATA}?settings={'a' * 20_001}", "The query's settings have more than 20,000 characters. Shorten them."),
    (
        f"{DATA}?offset_start=2&offset_end=1",
        "Query: offset_end 1 lies before offset_start 2. Send the smaller one as offset_start.",
    ),
]


@pytest.mark.parametrize(("asked", "said"), TABLE, ids=lambda text: text[-40:])
async def test_what_a_parameter_must_be_is_told(installation: Installation, asked: str, said: str) -> None:
    transfer, login = await seeds.transfer(installation), await seeds.login(installation)
    asked = asked.replace("{team}", str(installation.team_id)).replace("{transfer}", str(transfer.transfer_id))
    answer = await installation.client().get(asked.replace("{login}", str(login.connection_id)))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["description"]) == (400, "INVALID_PARAMETER", said)


async def test_a_range_of_days_that_ends_before_it_starts_is_a_422(installation: Installation) -> None:
    transfer = await seeds.transfer(installation)
    path = DAYS.format(team=installation.team_id, transfer=transfer.transfer_id)
    answer = await installation.client().get(f"{path}?from=2024-02-01&to=2024-01-01")
    said = "The range is empty: from 2024-02-01 lies after to 2024-01-01. Send the earlier day as from."
    assert (answer.status_code, answer.json()["error"]["description"]) == (422, said)
