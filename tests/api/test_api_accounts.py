"""Accounts on the wire: of a login in pages, of a whole source in both styles of a query, as options of a transfer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from test_api_logins import code
from test_api_teams import in_two_teams

import seeds
from dayfill.domain.access import Role
from dayfill.domain.secret import Secret
from dayfill.errors import Permanent, Transient
from dayfill.sources import SourceAccount, demo_ads
from installation import Installation

NAMES = {"100-1": "Nordlicht Outdoor", "100-2": "Café Zürich", "100-3": "Kaupunki Bikes"}


async def accounts_of(client: httpx.AsyncClient, login_id: int, **query: int) -> dict[str, Any]:
    answer = await client.get(f"/ds/login/{login_id}/accounts", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_login_lists_the_accounts_of_its_source(installation: Installation) -> None:
    login = await seeds.login(installation, "DEMO_ADS")
    found = await accounts_of(installation.client(), login.connection_id)
    assert {one["account_id"]: one["name"] for one in found["data"]} == NAMES
    assert found["data"][0] == {
        "@type": "ds_account",
        "account_id": "100-1",
        "name": "Nordlicht Outdoor",
        "group": "Manager account 100",
    }
    assert found["meta"]["paginate"] == {"offset": 0, "limit": 100, "total": 3}


async def test_pages_of_accounts_meet_without_a_gap(installation: Installation) -> None:
    login, client = await seeds.login(installation, "DEMO_ADS"), installation.client()
    pages = [await accounts_of(client, login.connection_id, offset=offset, limit=2) for offset in (0, 2, 4, 1_000_000)]
    assert [one["account_id"] for page in pages for one in page["data"]] == list(NAMES)
    assert pages[1]["meta"]["paginate"] == {"offset": 2, "limit": 2, "total": 3}


@pytest.mark.parametrize("query", ["offset=-1", "offset=1000001", "limit=0", "limit=1001", "limit=x", "offset="])
async def test_a_page_that_cannot_be_is_refused(installation: Installation, query: str) -> None:
    login = await seeds.login(installation, "DEMO_ADS")
    answer = await installation.client().get(f"/ds/login/{login.connection_id}/accounts?{query}")
    assert code(answer) == (400, "INVALID_PARAMETER")


async def test_a_source_without_accounts_lists_none(installation: Installation) -> None:
    login, client = await seeds.login(installation), installation.client()
    assert (await accounts_of(client, login.connection_id))["data"] == []
    found = (await client.get("/query/accounts?ds_id=FILES")).json()["data"]
    assert found == [{"ds_user": "FILES-1", "display_name": "Files 1", "cache_time": None, "accounts": []}]


async def test_a_revoked_login_reaches_nothing(installation: Installation) -> None:
    login, client = await seeds.login(installation, "DEMO_ADS"), installation.client()
    await client.delete(f"/ds/login/{login.connection_id}")
    answer = await client.get(f"/ds/login/{login.connection_id}/accounts")
    assert code(answer) == (422, "UNPROCESSABLE_ENTITY")
    assert "it was revoked at 2024-06-15T12:00:00Z" in answer.json()["error"]["description"]
    assert (await client.get("/query/accounts?ds_id=DEMO_ADS")).json()["data"] == []


async def test_both_styles_of_a_query_mean_the_same(installation: Installation) -> None:
    for _ in range(3):
        await seeds.login(installation, "DEMO_ADS")
    client, users = installation.client(), ["demo_ads-1", "DEMO_ADS-3"]
    flat = await client.get("/query/accounts", params={"ds_id": "DEMO_ADS", "ds_users": users, "cache_minutes": 60})
    asked = {"ds_id": "DEMO_ADS", "ds_users": users, "cache_minutes": 60, "later": True}
    as_json = await client.get("/query/accounts", params={"json": json.dumps(asked)})
    assert flat.json()["data"] == as_json.json()["data"]
    assert [one["ds_user"] for one in flat.json()["data"]] == ["DEMO_ADS-3", "DEMO_ADS-1"]
    assert flat.json()["meta"]["query"] == as_json.json()["meta"]["query"] == {"cache_minutes": 60}
    assert flat.json()["data"][0]["accounts"][0] == {
        "account_id": "100-1",
        "account_name": "Nordlicht Outdoor",
        "group_name": "Manager account 100",
    }


@pytest.mark.parametrize(
    ("query", "users"),
    [
        ({}, ["DEMO_ADS-2", "DEMO_ADS-1"]),
        ({"ds_users": ""}, ["DEMO_ADS-2", "DEMO_ADS-1"]),
        ({"ds_users": "DEMO_ADS-2"}, ["DEMO_ADS-2"]),
        ({"ds_users": "nobody"}, []),
        ({"ds_users": "nobody,demo_ads-1"}, ["DEMO_ADS-1"]),
    ],
)
async def test_users_choose_logins(installation: Installation, query: dict[str, str], users: list[str]) -> None:
    await seeds.login(installation, "DEMO_ADS")
    await seeds.login(installation, "DEMO_ADS")
    await seeds.login(installation)
    answer = await installation.client().get("/query/accounts", params={"ds_id": "DEMO_ADS", **query})
    assert [one["ds_user"] for one in answer.json()["data"]] == users
    assert answer.json()["meta"]["query"] == {"cache_minutes": None}


async def test_one_user_may_be_a_text_in_json_too(installation: Installation) -> None:
    await seeds.login(installation, "DEMO_ADS")
    asked = json.dumps({"ds_id": "DEMO_ADS", "ds_users": "DEMO_ADS-1"})
    answer = await installation.client().get("/query/accounts", params={"json": asked})
    assert [one["ds_user"] for one in answer.json()["data"]] == ["DEMO_ADS-1"]


async def test_a_key_in_the_json_parameter_opens_it(installation: Installation) -> None:
    asked = json.dumps({"ds_id": "DEMO_ADS", "api_key": installation.key})
    assert (await installation.client("").get("/query/accounts", params={"json": asked})).status_code == 200


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", "missing required field `ds_id`"),
        ("ds_id=", "missing required field `ds_id`"),
        ("ds_id=DEMO_ADS&cache_minutes=59", "Expected `int` >= 60 - at `$.cache_minutes`"),
        ("json=", "The parameter json is not JSON"),
        ("json=[]", "must be a JSON object"),
        ('json={"ds_id":1}', "Expected `str`, got `int` - at `$.ds_id`"),
        ('json={"ds_id":"DEMO_ADS","ds_users":[{}]}', "at `$.ds_users[0]`"),
        ('json={"ds_id":"DEMO_ADS"}&ds_users=a', "not as both"),
        ("ds_id=DEMO_ADS&ds_id=FILES", "ds_id is given twice"),
        ('json={"ds_id":"DEMO_ADS","cache_minutes":1441}', "at `$.cache_minutes`"),
        ('json={"ds_id":"A","ds_id":"B"}', "names the key 'ds_id' twice"),
        ("ds_id=DEMO_ADS&" + "&".join(f"ds_users={n}" for n in range(101)), "`array` of length <= 100"),
    ],
)
async def test_a_query_that_cannot_be_read_is_refused(installation: Installation, query: str, told: str) -> None:
    answer = await installation.client().get(f"/query/accounts?{query}")
    assert code(answer) == (400, "INVALID_PARAMETER")
    assert told in answer.json()["error"]["description"]


async def test_an_unknown_source_is_refused_by_name(installation: Installation) -> None:
    answer = await installation.client().get("/query/accounts?ds_id=GAWA")
    assert code(answer) == (422, "UNPROCESSABLE_ENTITY")
    assert answer.json()["error"]["description"] == "There is no data source 'GAWA'; known are DEMO_ADS, FILES, SQL."


async def test_accounts_of_all_teams_that_allow_it_are_found_and_of_no_other(installation: Installation) -> None:
    second, key = await in_two_teams(installation, Role.FINANCE)
    hidden = await seeds.login(installation, "DEMO_ADS")
    await seeds.login(installation, "DEMO_ADS", team_id=second)
    client = installation.client(key)
    found = (await client.get("/query/accounts?ds_id=DEMO_ADS")).json()["data"]
    assert [one["ds_user"] for one in found] == ["DEMO_ADS-2"]
    assert (await client.get(f"/ds/login/{hidden.connection_id}/accounts")).status_code == 403


@pytest.mark.parametrize(
    ("error", "expected", "wait"),
    [
        (Transient("QUOTA", "Too many requests.", retry_after=2.5), (503, "SERVICE_UNAVAILABLE"), "3"),
        (Transient("NETWORK", "No answer."), (503, "SERVICE_UNAVAILABLE"), "1"),
        (Permanent("AUTH", "The password was changed."), (422, "UNPROCESSABLE_ENTITY"), None),
    ],
    ids=repr,
)
async def test_what_the_source_says_reaches_the_caller(
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    expected: tuple[int, str],
    wait: str | None,
) -> None:
    def refuse(*_: object) -> list[SourceAccount]:
        raise error

    monkeypatch.setattr(demo_ads.DemoAds, "accounts", refuse)
    login, destination = await seeds.login(installation, "DEMO_ADS"), await seeds.destination(installation)
    options = f"source_id=DEMO_ADS&destination_id={destination.destination_id}"
    for path in (
        f"/ds/login/{login.connection_id}/accounts",
        "/query/accounts?ds_id=DEMO_ADS",
        f"/teams/{installation.team_id}/transfers/available-options?{options}",
    ):
        answer = await installation.client().get(path)
        assert code(answer) == expected
        assert f"login {login.connection_id} cannot be listed" in answer.json()["error"]["description"]
        assert answer.headers.get("retry-after") == wait


async def test_credentials_are_opened_for_the_source_and_told_if_they_do_not_open(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(demo_ads.DemoAds, "accounts", lambda _, config, __: heard.append(config.secrets) or [])
    login, client = await seeds.login(installation, "DEMO_ADS"), installation.client()
    path = f"/ds/login/{login.connection_id}/accounts"
    for purpose, status in ((f"{installation.team_id}:connections:{login.connection_id}:sealed", 200), ("moved", 422)):
        sealed = installation.keyring.seal(b'{"token":"t"}', purpose)
        installation.execute("UPDATE connections SET sealed = :sealed", sealed=sealed)
        assert (await client.get(path)).status_code == status
    assert heard == [{"token": Secret("t")}]


async def test_options_of_a_transfer_list_logins_in_force_and_their_accounts(installation: Installation) -> None:
    revoked, login = await seeds.login(installation, "DEMO_ADS"), await seeds.login(installation, "DEMO_ADS")
    await seeds.login(installation, "DEMO_ADS", team_id=await installation.team("Other"))
    await seeds.login(installation)
    client, destination = installation.client(), await seeds.destination(installation)
    await client.delete(f"/ds/login/{revoked.connection_id}")
    path = f"/teams/{installation.team_id}/transfers/available-options"
    query = {"source_id": "DEMO_ADS", "destination_id": destination.destination_id}
    found = (await client.get(path, params=query)).json()
    login_id = login.connection_id
    assert found["logins"] == [{"login_id": login_id, "username": "DEMO_ADS-2", "display_name": "Demo Ads 2"}]
    assert found["accounts"] == [
        {"account_id": account_id, "name": name, "login_id": login_id} for account_id, name in NAMES.items()
    ]
    assert found["segments"] == []
