"""Data queries over HTTP, on the real sources: what comes back, page by page, and what is refused with which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

import seeds
from dayfill.api import query_answers
from dayfill.domain.access import SCOPES, Role
from dayfill.domain.query import QueryStatus
from installation import Installation

CSV = (
    'day,who,visits,cost\n2024-06-01,Anna,10,1.5\n2024-06-02,"Bo, Cy",20,\n2024-06-02,Dee,5,2\n2024-06-03,Eve,30,0.25\n'
)
PATH = "/query/data/json"
ADS = {"ds_id": "DEMO_ADS", "start_date": "2024-06-01", "end_date": "2024-06-02"}


@pytest.fixture
def visits(tmp_path: Path) -> dict[str, Any]:
    """A query of all rows of a CSV file."""
    (tmp_path / "visits.csv").write_text(CSV)
    settings = {"path": str(tmp_path / "visits.csv"), "date_column": "day"}
    return {"ds_id": "FILES", "start_date": "2024-06-01", "end_date": "2024-06-03", "settings": settings}


def rewrite(query: dict[str, Any], visits: str) -> None:
    Path(query["settings"]["path"]).write_text(f"day,visits\n2024-06-01,{visits}\n")


async def ask(client: httpx.AsyncClient, query: dict[str, Any], status: str = "SUCCESS") -> dict[str, Any]:
    answer = await client.get(PATH, params={"json": json.dumps(query)})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["meta"]["status_code"] == status, found
    assert found["meta"]["request_id"] == answer.headers["x-request-id"]
    return found


async def test_rows_of_a_file_below_their_headers(installation: Installation, visits: dict[str, Any]) -> None:
    found = await ask(installation.client(), visits)
    assert found["data"] == [
        ["day", "who", "visits", "cost"],
        ["2024-06-01", "Anna", "10", "1.5"],
        ["2024-06-02", "Bo, Cy", "20", ""],
        ["2024-06-02", "Dee", "5", "2"],
        ["2024-06-03", "Eve", "30", "0.25"],
    ]
    query, result = found["meta"]["query"], found["meta"]["result"]
    assert (query["start_date"], query["end_date"], query["settings"]) == (
        "2024-06-01",
        "2024-06-03",
        visits["settings"],
    )
    assert [(field["id"], field["field_type"], field["data_type"]) for field in query["fields"]] == [
        ("day", "dim", "DATE"),
        ("who", "dim", "STRING"),
        ("visits", "met", "INTEGER"),
        ("cost", "met", "FLOAT"),
    ]
    assert (result["total_rows"], result["total_columns"], result["cache_used"], result["cache_time"]) == (
        4,
        4,
        False,
        None,
    )
    assert found["meta"]["paginate"] == {}


async def test_fields_are_chosen_renamed_filtered_and_ordered(
    installation: Installation, visits: dict[str, Any]
) -> None:
    chosen = {
        "fields": [{"id": "who", "field_name": "Visitor"}, "visits", "cost"],
        "filter": "visits > 5 AND who !@ anna OR cost == 2",
        "order_rows": "visits desc",
        "max_columns": 2,
    }
    found = await ask(installation.client(), {**visits, **chosen})
    assert found["data"] == [["Visitor", "visits"], ["Eve", "30"], ["Bo, Cy", "20"], ["Dee", "5"]]
    [first, second] = found["meta"]["query"]["fields"]
    assert (first["id"], first["field_name"], first["data_column"]) == ("who", "Visitor", 0)
    assert (second["id"], second["field_name"], second["data_column"]) == ("visits", "visits", 1)


async def test_accounts_and_dates_choose_the_rows_of_an_ads_report(installation: Installation) -> None:
    query = {
        "ds_id": "DEMO_ADS",
        "ds_accounts": "100-1, 100-3",
        "date_range_type": "yesterday",
        "fields": "account_id,date",
    }
    found = await ask(installation.client(), query)
    assert found["meta"]["query"]["start_date"] == found["meta"]["query"]["end_date"] == "2024-06-14"
    assert found["meta"]["query"]["ds_accounts"] == ["100-1", "100-3"]
    assert {tuple(row) for row in found["data"][1:]} == {("100-1", "2024-06-14"), ("100-3", "2024-06-14")}


async def test_today_is_that_of_the_zone(installation: Installation) -> None:
    query = {
        "ds_id": "DEMO_ADS",
        "start_date": "today",
        "end_date": "today",
        "settings": {"timezone": "Pacific/Auckland"},
    }
    found = await ask(installation.client(), query)
    assert found["meta"]["query"]["start_date"] == "2024-06-16"


async def test_pages_follow_each_other_to_the_last_row_and_back(
    installation: Installation, visits: dict[str, Any]
) -> None:
    client = installation.client()
    found = await ask(client, {**visits, "fields": "visits", "offset_end": 1})
    pages, places = [found["data"]], [found["meta"]["paginate"]]
    while following := places[-1].get("next"):
        assert following.startswith("http://127.0.0.1:8484/query/data/json?") and installation.key not in following
        page = (await client.get(following)).json()
        assert page["meta"]["result"]["total_rows"] == 4
        pages.append(page["data"])
        places.append(page["meta"]["paginate"])
    assert pages == [[["visits"], ["10"], ["20"]], [["visits"], ["5"], ["30"]]]
    assert set(places[-1]) == {"prev"}
    back = (await client.get(places[-1]["prev"])).json()
    assert back["data"] == pages[0]


@pytest.mark.parametrize(
    ("start", "end", "expected", "ways"),
    [
        (0, None, ["10", "20", "5", "30"], set()),
        (1, None, ["20", "5", "30"], {"prev"}),
        (1, 2, ["20", "5"], {"prev", "next"}),
        (3, 3, ["30"], {"prev"}),
        (0, 3, ["10", "20", "5", "30"], set()),
        (0, 999, ["10", "20", "5", "30"], set()),
        (4, 5, [], {"prev"}),
    ],
)
async def test_a_page_is_the_rows_between_its_offsets(
    installation: Installation, visits: dict[str, Any], start: int, end: int | None, expected: list[str], ways: set[str]
) -> None:
    page = {"offset_start": start} | ({} if end is None else {"offset_end": end})
    found = await ask(installation.client(), {**visits, "fields": "visits", **page})
    assert [row[0] for row in found["data"]] == ["visits", *expected]
    assert set(found["meta"]["paginate"]) == ways


async def test_a_large_answer_is_sent_in_pieces_and_is_the_same(
    installation: Installation, visits: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, query = installation.client(), {**visits, "offset_start": 1}
    whole = await ask(client, query)
    for size in (1, 7, 1_000):
        monkeypatch.setattr(query_answers, "PIECE", size)
        answer = await client.get(PATH, params={"json": json.dumps(query)})
        assert answer.json()["data"] == whole["data"]
        assert answer.headers["content-type"] == "application/json"
        assert int(answer.headers["content-length"]) == len(answer.content)
    monkeypatch.setattr(query_answers, "PIECE", 1)
    head = await client.head(PATH, params={"json": json.dumps(query)})
    assert (head.status_code, head.content) == (200, b"")


async def test_a_query_that_is_not_waited_for_is_polled(installation: Installation) -> None:
    client = installation.client()
    first = await ask(client, {**ADS, "sync_timeout": 0}, "SCHEDULED")
    assert first["data"] == [] and first["meta"]["query"]["fields"] == []
    request_id, schedule_id = first["meta"]["request_id"], first["meta"]["schedule_id"]
    found = (await client.get(PATH, params={"ds_id": "", "schedule_id": request_id})).json()
    assert (found["meta"]["status_code"], found["meta"]["schedule_id"]) == ("SUCCESS", schedule_id)
    as_the_command_line_polls = await ask(client, {**ADS, "schedule_id": schedule_id})
    for again in (
        as_the_command_line_polls,
        (await client.get(PATH, params={"schedule_id": found["meta"]["request_id"]})).json(),
        (await client.get("/query/status", params={"schedule_id": schedule_id})).json(),
        (await client.get("/query/results", params={"json": json.dumps({"schedule_id": request_id})})).json(),
        (await client.post(PATH, json={"schedule_id": schedule_id})).json(),
    ):
        assert again["data"] == found["data"] and len(again["data"]) > 50
        assert again["meta"]["result"] == found["meta"]["result"]


async def test_results_have_a_limit(installation: Installation) -> None:
    client = installation.client()
    first = await ask(client, ADS)
    page = {"schedule_id": first["meta"]["schedule_id"], "offset": "1", "limit": "2"}
    found = (await client.get("/query/results", params=page)).json()
    assert found["data"] == [first["data"][0], *first["data"][2:4]]
    assert found["meta"]["paginate"]["next"].endswith("&offset_start=3&offset_end=4")
    assert "/query/status?" in found["meta"]["paginate"]["next"]


@pytest.mark.parametrize("status", ["SCHEDULED", "QUEUED", "RUNNING"])
async def test_what_is_under_way_has_a_status_and_no_results(installation: Installation, status: str) -> None:
    seeds.query(installation, "slow", QueryStatus(status))
    client, name = installation.client(), {"schedule_id": "slow"}
    for params, path in ((name, "/query/status"), ({**name, "sync_timeout": "0"}, PATH)):
        found = (await client.get(path, params=params)).json()
        assert (found["meta"]["status_code"], found["data"]) == (status, [])
    early = await client.get("/query/results", params=name)
    assert early.status_code == 422
    said = f"The query is {status}: it has no results yet. Ask GET /query/status until it has."
    assert early.json()["error"]["description"] == said


async def test_a_name_of_ones_own_is_asked_again_when_its_rows_are_too_old(
    installation: Installation, visits: dict[str, Any]
) -> None:
    client = installation.client()
    query = {**visits, "schedule_id": "daily", "fields": "visits"}
    await ask(client, query)
    rewrite(visits, "77")
    assert len((await ask(client, query))["data"]) == 5
    other = await ask(client, {**query, "max_rows": 9})
    assert (other["meta"]["schedule_id"], other["data"]) == ("daily", [["visits"], ["77"]])
    rewrite(visits, "88")
    assert (await ask(client, {**query, "max_rows": 9, "cache_minutes": 5}))["data"] == [["visits"], ["77"]]
    anew = await ask(client, {**query, "max_rows": 9, "cache_minutes": 0})
    assert (anew["meta"]["query"]["cache_minutes"], anew["data"]) == (0, [["visits"], ["88"]])


async def test_rows_that_were_read_before_say_when(installation: Installation) -> None:
    client = installation.client()
    first = await ask(client, ADS)
    installation.pass_time(minutes=1)
    again = await ask(client, {**ADS, "cache_minutes": 5})
    assert again["data"] == first["data"]
    result = again["meta"]["result"]
    assert (result["cache_used"], result["cache_time"]) == (True, "2024-06-15T12:00:00Z")


async def test_a_key_may_stand_in_the_json_and_is_never_given_back(installation: Installation) -> None:
    client = installation.client("")
    answer = await client.get(PATH, params={"json": json.dumps({**ADS, "api_key": installation.key, "offset_end": 0})})
    assert answer.json()["meta"]["status_code"] == "SUCCESS"
    assert installation.key not in answer.text
    assert (await client.get(PATH, params={"json": json.dumps({**ADS, "api_key": "api_none"})})).status_code == 401
    answer = await client.post(PATH, json={**ADS, "api_key": installation.key})
    assert answer.json()["meta"]["status_code"] == "SUCCESS"


async def test_a_query_of_somebody_else_is_unknown_even_in_the_same_team(installation: Installation) -> None:
    await ask(installation.client(), {**ADS, "schedule_id": "mine"})
    _, colleague = await installation.user(installation.team_id, Role.VIEWER)
    _, stranger = await installation.user(await installation.team("Second"), Role.OWNER)
    texts = set()
    for key in (colleague, stranger):
        client = installation.client(key)
        for path in (PATH, "/query/status", "/query/results"):
            answer = await client.get(path, params={"schedule_id": "mine"})
            assert answer.status_code == 422
            texts.add(answer.json()["error"]["description"])
    assert len(texts) == 1 and texts.pop().startswith("You have no query mine: it is forgotten an hour after its end")


async def test_to_run_and_to_read_are_two_scopes(installation: Installation) -> None:
    for missing, path, let_in in (
        ("ds_queries_run", PATH, ("/query/status", "/query/results")),
        ("ds_queries_read", "/query/status", (PATH,)),
    ):
        _, key = await installation.user(installation.team_id, Role.VIEWER, SCOPES - {missing})
        client = installation.client(key)
        assert (await client.get(path, params={"schedule_id": "x"})).status_code == 403
        for other in let_in:
            assert (await client.get(other, params={"schedule_id": "x"})).status_code == 422


async def test_a_failed_query_says_why_in_every_answer(installation: Installation, visits: dict[str, Any]) -> None:
    client = installation.client()
    found = await ask(client, {**visits, "fields": ["visitor"]}, "FAILURE")
    error = {
        "code": "QUERY",
        "message": "Query failed",
        "description": "The source has no field visitor; it has day, who, visits, cost.",
    }
    assert (found["error"], found["data"]) == (error, [])
    for path in (PATH, "/query/status", "/query/results"):
        again = await client.get(path, params={"schedule_id": found["meta"]["schedule_id"]})
        assert (again.status_code, again.json()["error"]) == (200, error)
