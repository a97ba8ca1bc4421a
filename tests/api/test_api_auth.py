"""Who is calling: every place a key may stand in gives the same decision, and every refusal its own code."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from dayfill.domain.access import SCOPES, Role
from dayfill.engine import keys
from dayfill.engine.keys import KEY_LENGTH, compose
from dayfill.store import keys as key_store
from installation import Installation


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def backfills_of(made: Installation) -> str:
    return f"/teams/{made.team_id}/backfills"


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   ", ""])
async def test_the_scheme_may_be_written_in_any_case_or_left_out(installation: Installation, scheme: str) -> None:
    headers = {"Authorization": f"{scheme}{installation.key}"}
    assert (await installation.client("").get(backfills_of(installation), headers=headers)).status_code == 200


async def test_a_key_may_stand_in_the_json_parameter(installation: Installation) -> None:
    query = {"json": json.dumps({"api_key": installation.key})}
    assert (await installation.client("").get(backfills_of(installation), params=query)).status_code == 200
    query = {"json": json.dumps({"api_key": "api_wrong"})}
    assert code(await installation.client("").get(backfills_of(installation), params=query)) == (401, "API_KEY_INVALID")


async def test_a_key_may_stand_in_the_body_and_is_no_part_of_it(installation: Installation) -> None:
    path = f"/x/v1/teams/{installation.team_id}/backfills/9/pause"
    answer = await installation.client("").post(path, json={"api_key": installation.key})
    assert code(answer) == (404, "NOT_FOUND")
    answer = await installation.client("").post(path, json={"api_key": installation.key[:-1]})
    assert code(answer) == (401, "API_KEY_INVALID")


async def test_the_same_key_twice_is_one_key_and_two_different_ones_are_refused(installation: Installation) -> None:
    client, path = installation.client(), backfills_of(installation)
    assert (await client.get(path, params={"json": json.dumps({"api_key": installation.key})})).status_code == 200
    _, other = await installation.user(installation.team_id, Role.VIEWER)
    twice = [("Authorization", installation.key), ("Authorization", f"Bearer {other}")]
    assert code(await installation.client("").get(path, headers=twice)) == (400, "INVALID_PARAMETER")
    path = f"/x/v1/teams/{installation.team_id}/backfills/9/pause"
    assert code(await client.post(path, json={"api_key": other})) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "API_KEY_REQUIRED"),
        ("Bearer", "API_KEY_INVALID"),
        ("Bearer ", "API_KEY_INVALID"),
        ("otok_abc", "ACCESS_TOKEN_INVALID"),
        ("Bearer otok_abc", "ACCESS_TOKEN_INVALID"),
        ("Basic dXNlcjpwYXNz", "API_KEY_INVALID"),
        ("Bearer " + compose("0" * 8, "0" * 43), "API_KEY_INVALID"),
        ("Bearer caf\u00e9", "API_KEY_INVALID"),
    ],
)
async def test_what_is_no_key_of_ours_is_401_with_its_code(
    installation: Installation, text: str, expected: str
) -> None:
    headers = {"Authorization": text.encode("latin-1")} if text else {}
    answer = await installation.client("").get(backfills_of(installation), headers=headers)
    assert code(answer) == (401, expected)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("position", range(KEY_LENGTH))
async def test_a_typing_error_anywhere_is_found_without_a_read(
    installation: Installation, position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unwanted(*_: object) -> None:
        raise AssertionError("a malformed key must not reach the state")

    monkeypatch.setattr(key_store, "credential", unwanted)
    typed = list(installation.key)
    typed[position] = "a" if typed[position] != "a" else "b"
    answer = await installation.client("".join(typed)).get(backfills_of(installation))
    assert code(answer) == (401, "API_KEY_INVALID")


async def test_a_wrong_secret_under_a_known_id_is_invalid(installation: Installation) -> None:
    known = installation.key[4:12]
    answer = await installation.client(compose(known, "0" * 43)).get(backfills_of(installation))
    assert code(answer) == (401, "API_KEY_INVALID")


async def test_a_disabled_key_is_dead_at_once(installation: Installation) -> None:
    client = installation.client()
    assert (await client.get(backfills_of(installation))).status_code == 200
    async with installation.db.write() as tx:
        await keys.disable(tx, installation.team_id, f"apk_{installation.key[4:12]}")
    assert code(await client.get(backfills_of(installation))) == (403, "API_KEY_DISABLED")


async def test_a_key_dies_with_its_user(installation: Installation) -> None:
    installation.execute("UPDATE users SET is_enabled = 0 WHERE user_id = :u", u=installation.user_id)
    assert code(await installation.client().get(backfills_of(installation))) == (403, "API_KEY_DISABLED")


async def test_a_user_who_left_the_team_has_no_access_to_it(installation: Installation) -> None:
    installation.execute("DELETE FROM members WHERE user_id = :u", u=installation.user_id)
    assert code(await installation.client().get(backfills_of(installation))) == (403, "ACCESS_DENIED")
    assert code(await installation.client().get("/table/groups")) == (403, "ACCESS_DENIED")


async def test_a_key_expires_at_its_time(installation: Installation) -> None:
    async with installation.db.write() as tx:
        new = await keys.create(
            tx,
            installation.server.seams,
            installation.keyring,
            installation.team_id,
            installation.user_id,
            scopes=SCOPES,
            expires_time=installation.now + timedelta(hours=1),
        )
    client = installation.client(new.text)
    installation.pass_time(minutes=59, seconds=59)
    assert (await client.get(backfills_of(installation))).status_code == 200
    installation.pass_time(seconds=1)
    assert code(await client.get(backfills_of(installation))) == (403, "API_KEY_DISABLED")


async def test_a_role_that_this_version_does_not_know_may_do_nothing(installation: Installation) -> None:
    installation.execute("UPDATE members SET role = 'EMPEROR' WHERE user_id = :u", u=installation.user_id)
    assert code(await installation.client().get(backfills_of(installation))) == (403, "ACCESS_DENIED")


async def test_team_headers_are_ignored(installation: Installation) -> None:
    headers = {"X-Team-ID": "999", "Sm-App-Id": "999"}
    assert (await installation.client().get(backfills_of(installation), headers=headers)).status_code == 200


async def test_the_state_holds_no_key(installation: Installation) -> None:
    secret = installation.key[13:56]
    rows = installation.execute("SELECT * FROM api_keys")
    assert rows and not any(secret in str(value) or secret.encode() in bytes(str(value), "utf-8") for value in rows[0])


async def test_a_path_without_a_team_is_refused_if_no_team_of_the_user_allows_it(installation: Installation) -> None:
    second = await installation.team("Second")
    user_id, key = await installation.user(second, Role.FINANCE)
    installation.insert("members", team_id=installation.team_id, user_id=user_id, role="FINANCE", created_time=0)
    answer = await installation.client(key).get("/table/groups")
    assert code(answer) == (403, "ACCESS_DENIED")
    assert "the permission dwh.transfer.view" in answer.json()["error"]["description"]
