"""The audit log on the wire: newest first, page by page, by object, user and time, and of one team alone."""

from __future__ import annotations

import pytest

from dayfill.domain.access import Role
from dayfill.store.queries import QUERIES
from installation import Installation

DAY = "2024-06-15"


async def change(made: Installation, team_id: int, key: str, count: int) -> None:
    for _ in range(count):
        body = {
            "type": "DWH_DUCKDB",
            "display_name": f"W{made.now}",
            "fields": {"path": f"/srv/{team_id}-{made.now}.duckdb"},
        }
        answer = await made.client(key).post(f"/teams/{team_id}/destinations", json=body)
        assert answer.status_code == 201
        made.pass_time(hours=1)


async def listed(made: Installation, key: str = "", team_id: int = 0, **query: object) -> list[dict[str, object]]:
    client, found, page = made.client(key or made.key), [], {"next_cursor": None}
    while "next_cursor" in page:
        cursor = {} if page["next_cursor"] is None else {"cursor": page["next_cursor"]}
        answer = await client.get(f"/x/v1/teams/{team_id or made.team_id}/audit", params={**query, **cursor})
        assert answer.status_code == 200, answer.text
        found, page = [*found, *answer.json()["data"]], answer.json()["meta"]
    return found


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 500])
async def test_pages_of_any_size_are_the_same_list(installation: Installation, limit: int) -> None:
    await change(installation, installation.team_id, installation.key, 5)
    found = await listed(installation, limit=limit)
    assert [entry["object"] for entry in found] == [f"destination:{n}" for n in range(5, 0, -1)]
    assert found[-1]["audit_time"] == f"{DAY}T12:00:00Z" and found[-1]["before"] is None
    assert found[-1]["after"]["type"] == "DWH_DUCKDB"  # type: ignore[index]


async def test_rows_of_an_object_a_user_and_a_time(installation: Installation) -> None:
    user_id, key = await installation.user(installation.team_id, Role.EDITOR)
    await change(installation, installation.team_id, installation.key, 2)
    await change(installation, installation.team_id, key, 2)
    assert len(await listed(installation)) == 4
    assert [entry["user_id"] for entry in await listed(installation, object="destination:3")] == [user_id]
    assert [entry["object"] for entry in await listed(installation, user_id=user_id, limit=1)] == [
        "destination:4",
        "destination:3",
    ]
    hours = {"from": f"{DAY}T13:00:00Z", "to": f"{DAY}T14:00:00Z"}
    assert [entry["object"] for entry in await listed(installation, **hours)] == ["destination:3", "destination:2"]
    assert await listed(installation, object="transfer:1") == await listed(installation, to="2024-06-14") == []


async def test_a_team_sees_its_own_rows_alone(installation: Installation) -> None:
    second = await installation.team("Second")
    _, key = await installation.user(second, Role.ADMIN)
    await change(installation, installation.team_id, installation.key, 1)
    await change(installation, second, key, 1)
    installation.insert("audit", audit_time=0, actor="operator", action="installation.repair", object="installation:1")
    assert [entry["object"] for entry in await listed(installation, key, second)] == ["destination:2"]
    assert await listed(installation, key, second, object="destination:1") == []


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "cursor=WzEsMl0", "cursor=WzFlOTld", "object=", f"object={'x' * 201}", "user_id=0", "from=now"],
)
async def test_what_is_no_filter_is_refused(installation: Installation, query: str) -> None:
    answer = await installation.client().get(f"/x/v1/teams/{installation.team_id}/audit?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")


async def test_a_page_of_a_long_log_is_found_by_an_index(installation: Installation) -> None:
    values = dict.fromkeys(("team_id", "before", "first", "last", "limit"), 1)
    plan = installation.execute(
        f"EXPLAIN QUERY PLAN {QUERIES['page_of_audit'].text}", object=None, user_id=None, **values
    )
    assert "audit_of_team (team_id=? AND " in str(plan) and "TEMP B-TREE" not in str(plan)
