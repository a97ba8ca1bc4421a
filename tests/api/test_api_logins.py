"""Logins on the wire: who sees which, what one says, and what a revoke does."""

from __future__ import annotations

import httpx
from test_api_teams import in_two_teams

import seeds
from dayfill.domain.access import Role
from installation import Installation


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def ids(client: httpx.AsyncClient) -> list[str]:
    return [one["login_id"] for one in (await client.get("/ds/logins")).json()["data"]]


async def test_every_connection_of_the_team_is_a_login(installation: Installation) -> None:
    transfer = await seeds.transfer(installation)
    client = installation.client()
    answer = await client.get(f"/ds/login/{transfer.connection_id}")
    email = installation.execute("SELECT email FROM users")[0][0]
    assert answer.json()["data"] == {
        "@type": "ds_login",
        "login_id": str(transfer.connection_id),
        "login_type": "none",
        "username": "FILES-1",
        "display_name": "Files 1",
        "ds_info": {"@type": "ds", "ds_id": "FILES", "name": "Files"},
        "default_scopes": [],
        "additional_scopes": [],
        "auth_time": "2024-06-15T12:00:00Z",
        "auth_user_info": {"@type": "user", "user_id": str(installation.user_id), "email": email},
        "expiry_time": None,
        "revoked_time": None,
        "is_refreshable": False,
        "is_shared": True,
    }
    newer = await seeds.login(installation, "DEMO_ADS")
    assert await ids(client) == [str(newer.connection_id), "1"]


async def test_what_is_not_known_of_a_login_is_left_out(installation: Installation) -> None:
    login = await seeds.login(installation)
    installation.execute("UPDATE connections SET created_user_id = NULL, data_source_id = 'GONE', sealed = x'00'")
    found = (await installation.client().get(f"/ds/login/{login.connection_id}")).json()["data"]
    assert "auth_user_info" not in found
    assert found["ds_info"] == {"@type": "ds", "ds_id": "GONE", "name": "GONE"}
    assert (found["login_type"], found["display_name"]) == ("credentials", "GONE 1")


async def test_logins_of_all_teams_are_listed_and_of_no_other(installation: Installation) -> None:
    second, key = await in_two_teams(installation, Role.VIEWER)
    third = await installation.team("Third")
    foreign = await seeds.login(installation, team_id=third)
    mine, theirs = await seeds.login(installation), await seeds.login(installation, team_id=second)
    client = installation.client(key)
    assert await ids(client) == [str(theirs.connection_id), str(mine.connection_id)]
    absent = await client.get("/ds/login/99")
    for method in ("GET", "DELETE"):
        answer = await client.request(method, f"/ds/login/{foreign.connection_id}")
        assert code(answer) == (404, "LOGIN_NOT_FOUND")
        assert answer.json()["error"] == absent.json()["error"]


async def test_a_login_of_a_team_where_the_role_is_too_small_may_not_be_revoked(installation: Installation) -> None:
    _, key = await in_two_teams(installation, Role.VIEWER)
    mine = await seeds.login(installation)
    answer = await installation.client(key).delete(f"/ds/login/{mine.connection_id}")
    assert code(answer) == (403, "ACCESS_DENIED")
    assert installation.execute("SELECT revoked_time FROM connections") == [(None,)]


async def test_a_revoke_is_told_with_its_time_and_happens_once(installation: Installation) -> None:
    login, client = await seeds.login(installation), installation.client()
    installation.pass_time(minutes=5)
    revoked = await client.delete(f"/ds/login/{login.connection_id}")
    assert (revoked.status_code, revoked.json()["data"]) == (200, {"result": True})
    installation.pass_time(minutes=5)
    again = await client.delete(f"/ds/login/{login.connection_id}")
    assert code(again) == (404, "LOGIN_NOT_FOUND")
    assert "2024-06-15T12:05:00Z" in again.json()["error"]["description"]
    read = (await client.get(f"/ds/login/{login.connection_id}")).json()["data"]
    assert read["revoked_time"] == "2024-06-15T12:05:00Z"
    assert await ids(client) == [read["login_id"]]


async def test_a_text_that_is_no_login_id_is_missing(installation: Installation) -> None:
    for text in ("login_1", "0", "-1", "9" * 20):
        assert (await installation.client().get(f"/ds/login/{text}")).status_code == 404


async def test_a_list_ends_at_a_thousand(installation: Installation) -> None:
    for number in range(1, 1_002):
        installation.insert(
            "connections",
            public_id=str(number),
            team_id=installation.team_id,
            data_source_id="FILES",
            destination_type="DWH_DUCKDB",
            created_time=0,
        )
    found = await ids(installation.client())
    assert (len(found), found[0]) == (1_000, "1001")
