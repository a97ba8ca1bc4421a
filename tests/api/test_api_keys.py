"""API keys on the wire: shown once, no more than their maker has, dead at the next request."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from dayfill.domain.access import SCOPES, Role
from dayfill.store import teams as team_rows
from installation import Installation


def place(made: Installation, *more: str) -> str:
    return "/".join([f"/x/v1/teams/{made.team_id}/keys", *more])


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def create(made: Installation, key: str = "", **body: Any) -> dict[str, Any]:
    answer = await made.client(key or made.key).post(place(made), json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json()["data"])


async def works(made: Installation, key: str) -> bool:
    answer = await made.client(key).get(f"/teams/{made.team_id}/backfills")
    assert answer.status_code in (200, 403)
    return answer.status_code == 200


async def test_a_new_key_is_shown_once_and_listed_without_itself(installation: Installation) -> None:
    installation.pass_time(seconds=1)
    asked = {"description": "CI", "scope_names": ["dwh_transfers_read"], "allow_ips": ["127.0.0.1", "10.0.0.0/8"]}
    made = await create(installation, **asked, expires_time="2025-01-01T00:00:00Z")
    key = made.pop("api_key")
    assert await works(installation, key)
    listed = (await installation.client().get(place(installation))).json()["data"]
    assert listed[-1] == made and asked.items() <= made.items()
    assert made["expires_time"] == "2025-01-01T00:00:00Z" and made["key_start"] == key[:10]
    assert (await installation.client().get(place(installation, made["api_key_id"]))).json()["data"] == made
    told = str(installation.execute("SELECT * FROM audit")) + str(installation.execute("SELECT * FROM api_keys"))
    assert key[13:56] not in told


async def test_by_default_a_key_may_do_nothing(installation: Installation) -> None:
    made = await create(installation)
    assert (made["scope_names"], made["allow_ips"], made["expires_time"]) == ([], [], None)
    assert made["behalf_of_user_id"] == installation.user_id
    assert not await works(installation, made["api_key"])


@pytest.mark.parametrize("verb", [None, "rotate"])
async def test_a_repeated_request_makes_one_key_and_does_not_show_it_again(
    installation: Installation, verb: str | None
) -> None:
    first = await create(installation)
    path = place(installation, *([first["api_key_id"], verb] if verb else []))
    headers = {"Idempotency-Key": "k"}
    answers = [await installation.client().post(path, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    made, again = (dict(answer.json()["data"]) for answer in answers)
    key = made.pop("api_key")
    assert again == made
    assert installation.execute("SELECT count(*) FROM api_keys") == [(3,)]
    assert key[13:56] not in str(installation.execute("SELECT * FROM idempotency_keys"))


async def test_rotation_lets_both_work_for_a_while(installation: Installation) -> None:
    old = await create(
        installation, scope_names=["dwh_transfers_read"], allow_ips=["127.0.0.1"], description="CI",
        expires_time="2024-07-15T12:00:00Z",
    )  # fmt: skip
    installation.pass_time(days=10)
    path = place(installation, old["api_key_id"], "rotate")
    answer = await installation.client().post(path, json={"overlap_hours": 2})
    new = answer.json()["data"]
    same = ("scope_names", "allow_ips", "description", "behalf_of_user_id")
    assert [new[name] for name in same] == [old[name] for name in same]
    assert new["expires_time"] == "2024-07-25T12:00:00Z", "as long as the first one was given"
    assert await works(installation, old["api_key"]) and await works(installation, new["api_key"])
    installation.pass_time(hours=2)
    assert not await works(installation, old["api_key"]) and await works(installation, new["api_key"])
    assert code(await installation.client().post(path, json={})) == (422, "UNPROCESSABLE_ENTITY")


async def test_a_rotation_never_makes_the_old_key_live_longer(installation: Installation) -> None:
    old = await create(installation, expires_time="2024-06-15T13:00:00Z")
    await installation.client().post(place(installation, old["api_key_id"], "rotate"), json={})
    found = (await installation.client().get(place(installation, old["api_key_id"]))).json()["data"]
    assert found["expires_time"] == "2024-06-15T13:00:00Z"


async def test_a_disabled_key_is_dead_for_good(installation: Installation) -> None:
    made = await create(installation, scope_names=["dwh_transfers_read"])
    for _ in range(2):
        answer = await installation.client().post(place(installation, made["api_key_id"], "disable"))
        assert (answer.status_code, answer.json()["data"]["is_enabled"]) == (200, False)
        assert not await works(installation, made["api_key"])
    assert code(await installation.client().post(place(installation, made["api_key_id"], "rotate"))) == (
        *(422, "UNPROCESSABLE_ENTITY"),
    )


async def test_a_key_gives_no_scope_that_it_lacks(installation: Installation) -> None:
    _, key = await installation.user(installation.team_id, Role.OWNER, ["team_manage", "team_read"])
    assert (await create(installation, key, scope_names=["team_read"]))["scope_names"] == ["team_read"]
    answer = await installation.client(key).post(place(installation), json={"scope_names": sorted(SCOPES)})
    assert code(answer) == (403, "ACCESS_DENIED_PERMISSIONS")
    full = f"apk_{installation.key[4:12]}"
    answer = await installation.client(key).post(place(installation, full, "rotate"), json={})
    assert code(answer) == (403, "ACCESS_DENIED_PERMISSIONS")


async def test_a_key_gives_no_longer_life_and_no_more_addresses_than_it_has(installation: Installation) -> None:
    bound = await create(
        installation,
        scope_names=["team_manage"],
        allow_ips=["127.0.0.0/8", "10.0.0.1"],
        expires_time="2024-07-01T00:00:00Z",
    )
    key = bound["api_key"]
    inherited = await create(installation, key)
    assert (inherited["allow_ips"], inherited["expires_time"]) == (bound["allow_ips"], bound["expires_time"])
    less = {"allow_ips": ["127.0.0.1"], "expires_time": "2024-06-20T00:00:00+02:00"}
    made = await create(installation, key, **less)
    assert (made["allow_ips"], made["expires_time"]) == (["127.0.0.1"], "2024-06-19T22:00:00Z")
    for more in ({"allow_ips": ["127.0.0.1", "10.0.0.2"]}, {"expires_time": "2024-07-01T00:00:01Z"}):
        assert code(await installation.client(key).post(place(installation), json=more)) == (403, "ACCESS_DENIED")


async def test_only_an_owner_makes_and_ends_keys_of_an_owner(installation: Installation) -> None:
    admin, key = await installation.user(installation.team_id, Role.ADMIN)
    editor, _ = await installation.user(installation.team_id, Role.EDITOR)
    other, _ = await installation.user(installation.team_id, Role.ADMIN)
    for user_id in (admin, editor, other):
        assert (await create(installation, key, behalf_of_user_id=user_id))["behalf_of_user_id"] == user_id
    owners = f"apk_{installation.key[4:12]}"
    body = {"behalf_of_user_id": installation.user_id}
    assert code(await installation.client(key).post(place(installation), json=body)) == (403, "ACCESS_DENIED")
    for verb in ("rotate", "disable"):
        answer = await installation.client(key).post(place(installation, owners, verb), json={})
        assert code(answer) == (403, "ACCESS_DENIED")
    await create(installation, behalf_of_user_id=admin)
    assert await works(installation, installation.key)


async def test_a_key_for_somebody_who_is_in_other_teams_too_reaches_no_team_that_its_maker_does_not_manage(
    installation: Installation,
) -> None:
    second = await installation.team("Second")
    shared, shared_key = await installation.user(installation.team_id, Role.EDITOR)
    installation.insert("members", team_id=second, user_id=shared, role="VIEWER", created_time=0)
    shared_id = f"apk_{shared_key[4:12]}"
    refused = [
        await installation.client().post(place(installation), json={"behalf_of_user_id": shared}),
        await installation.client().post(place(installation, shared_id, "rotate"), json={}),
        await installation.client().post(place(installation, shared_id, "disable"), json={}),
    ]
    assert {code(answer) for answer in refused} == {(403, "ACCESS_DENIED")}
    installation.insert("members", team_id=second, user_id=installation.user_id, role="ADMIN", created_time=0)
    assert (await create(installation, behalf_of_user_id=shared))["behalf_of_user_id"] == shared


async def test_a_key_made_for_somebody_else_reaches_the_team_of_its_maker_alone(installation: Installation) -> None:
    team, second = installation.team_id, await installation.team("Second")
    user_id, own = await installation.user(team, Role.EDITOR)
    path = f"/x/v1/teams/{team}/keys"
    body = {"behalf_of_user_id": user_id, "scope_names": ["team_read"]}
    made = (await installation.client().post(path, json=body)).json()["data"]
    assert made["only_team_id"] == team
    rotated = (await installation.client().post(f"{path}/{made['api_key_id']}/rotate")).json()["data"]
    async with installation.db.write() as tx:
        await team_rows.set_member(tx, second, user_id, Role.OWNER, installation.now)

    async def status(key: str, team_id: int) -> int:
        return (await installation.client(key).get(f"/v1/teams/{team_id}")).status_code

    for key in (made["api_key"], rotated["api_key"]):
        assert [await status(key, one) for one in (team, second)] == [200, 403]
    assert [await status(own, one) for one in (team, second)] == [200, 200]
    async with installation.db.write() as tx:
        await team_rows.remove_member(tx, team, user_id)
    assert [await status(made["api_key"], one) for one in (team, second)] == [403, 403]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scopes": []}, 400),
        ({"scope_names": ["x"] * 101}, 400),
        ({"allow_ips": ["10.0.0.1"] * 101}, 400),
        ({"description": "x" * 1001}, 400),
        ({"expires_time": "tomorrow"}, 400),
        ({"expires_time": "0001-01-01T00:00:00+14:00"}, 400),
        ({"behalf_of_user_id": 0}, 400),
        ({"scope_names": ["everything"]}, 422),
        ({"allow_ips": ["everywhere"]}, 422),
        ({"expires_time": "2024-06-15T12:00:00Z"}, 422),
        ({"behalf_of_user_id": 999_999}, 404),
    ],
)
async def test_what_no_key_can_be_is_refused(installation: Installation, body: dict[str, Any], status: int) -> None:
    answer = await installation.client().post(place(installation), json=body)
    assert answer.status_code == status, answer.text
    assert installation.execute("SELECT count(*) FROM api_keys") == [(1,)]


async def test_who_leaves_the_team_leaves_no_working_key(installation: Installation) -> None:
    user_id, key = await installation.user(installation.team_id, Role.EDITOR)
    assert await works(installation, key)
    installation.execute("DELETE FROM members WHERE user_id = :u", u=user_id)
    assert not await works(installation, key)
    assert not any(entry["behalf_of_user_id"] == user_id for entry in await listed(installation))


async def listed(made: Installation) -> list[dict[str, Any]]:
    return list((await made.client().get(place(made))).json()["data"])


async def test_the_first_refusal_a_minute_is_told(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    object.__setattr__(installation.server.seams, "monotonic", lambda: clock[0])
    user_id, key = await installation.user(installation.team_id, Role.EDITOR)
    client = installation.client(key)
    for seconds in (0.0, 59.9, 60.0):
        clock[0] = seconds
        assert (await client.post(place(installation), json={})).status_code == 403
    assert (await client.get(place(installation))).status_code == 403
    _, stranger = await installation.user(await installation.team("Second"), Role.OWNER)
    assert (await installation.client(stranger).post(place(installation), json={})).status_code == 403
    rows = installation.execute("SELECT user_id, action, object FROM audit")
    assert rows == [(user_id, "request.refused", f"request:POST {place(installation)}")] * 2
    [(after,)] = installation.execute("SELECT DISTINCT after FROM audit")
    assert '"code":"ACCESS_DENIED"' in str(after) and '"status":403' in str(after)
