"""Rows of the audit log: what they tell, what they keep to themselves, and who leaves none."""

from __future__ import annotations

import asyncio
import json
import threading
from itertools import count

import apsw
import httpx
import pytest
from route_samples import named, send, world
from test_api_destinations import CANARY, Keyed, keyed, with_key

from dayfill.api.asgi import Api
from dayfill.api.routes import ROUTES, TEAM
from dayfill.api.routing import tree
from dayfill.api.wire import Answer, Call, Route
from dayfill.destinations import DestinationConfig
from dayfill.domain.access import Permission
from dayfill.domain.audit import Act
from dayfill.errors import Permanent
from dayfill.store.db import Tx
from installation import Installation

__all__ = ["keyed"]


def rows(made: Installation, columns: str = "*") -> list[tuple[object, ...]]:
    return made.execute(f"SELECT {columns} FROM audit ORDER BY audit_id")


async def test_a_replay_leaves_no_row(installation: Installation) -> None:
    path, body = f"/teams/{installation.team_id}/destinations", {**with_key(), "type": "DWH_DUCKDB"}
    body["fields"] = {"path": "/srv/a.duckdb"}
    for _ in range(2):
        answer = await installation.client().post(path, json=body, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 201
    assert rows(installation, "action, object") == [("destination.create", "destination:1")]


async def test_each_try_of_a_destination_leaves_a_row_and_a_replay_tries_nothing(
    installation: Installation, keyed: Keyed
) -> None:
    path, body = f"/teams/{installation.team_id}/destinations/test-connection", with_key()
    client, headers = installation.client(), {"Idempotency-Key": "k"}
    first = await client.post(path, json=body, headers=headers)
    keyed.seen = None
    again = await client.post(path, json=body, headers=headers)
    assert (again.json()["data"], again.headers["idempotent-replayed"]) == (first.json()["data"], "true")
    assert keyed.seen is None
    other = await client.post(path, json=with_key(display_name="Other"), headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await client.post(path, json=body)).status_code == 200 and keyed.seen is not None
    assert CANARY not in str(installation.execute("SELECT * FROM idempotency_keys"))
    tried, refused = ("destination.test", "destination:new"), ("request.refused", f"request:POST {path}")
    assert rows(installation, "action, object") == [tried, refused, tried]


async def test_equal_tries_at_once_hear_the_answer_of_the_first_to_end(
    installation: Installation, keyed: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, both, tries = f"/teams/{installation.team_id}/destinations/test-connection", threading.Barrier(2), count()

    def check(config: DestinationConfig) -> None:
        both.wait(60)
        raise Permanent("CONFIG", f"try {next(tries)}")

    monkeypatch.setattr(keyed, "check", check)
    client, headers = installation.client(), {"Idempotency-Key": "k"}
    answers = await asyncio.gather(*(client.post(path, json=with_key(), headers=headers) for _ in range(2)))
    assert len({str(answer.json()["data"]) for answer in answers}) == 1
    assert len(rows(installation)) == 2


@pytest.mark.parametrize(("act", "status", "teams"), [(None, 500, 1), (Act("team.create", 2), 200, 2)])
async def test_a_route_that_does_not_say_what_it_did_has_done_nothing(
    installation: Installation, act: Act | None, status: int, teams: int
) -> None:
    """Whoever writes a route and forgets the log meets it in the first test."""

    async def handle(call: Call, tx: Tx) -> Answer:
        await tx.one("insert_team", name="Silent", created_time=0)
        return Answer(200, {}, act=act)

    api = Api(installation.server)
    api._tree = tree([Route("POST", TEAM + "/silent", handle, None, Permission.TEAM_VIEW, writes=True)])
    headers = {"Authorization": installation.key}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://127.0.0.1:8484") as client:
        answer = await client.post(f"/teams/{installation.team_id}/silent", headers=headers)
    assert answer.status_code == status
    assert installation.execute("SELECT count(*) FROM teams") == [(teams,)]


async def test_no_secret_is_in_any_row(installation: Installation, keyed: Keyed) -> None:
    client, path = installation.client(), f"/teams/{installation.team_id}/destinations"
    assert (await client.post(path, json=with_key())).status_code == 201
    assert (await client.put(f"{path}/1", json=with_key(new_private_key=CANARY + "2"))).status_code == 200
    assert (await client.post(f"{path}/test-connection", json=with_key())).status_code == 200
    assert (await client.delete(f"{path}/1")).status_code == 204
    told = rows(installation, "action, before, after")
    assert [action for action, _, _ in told] == [
        f"destination.{verb}" for verb in ("create", "update", "test", "delete")
    ]
    assert CANARY not in str(rows(installation)) and installation.key[13:56] not in str(rows(installation))
    assert json.loads(str(told[1][2])) == {"new_secrets": ["private_key"]}
    tried = json.loads(str(told[2][2]))
    assert tried == {"type": "DWH_KEYED", "fields": {"host": "db"}, "success": True}


async def test_who_tries_to_send_a_stored_secret_elsewhere_is_told(installation: Installation, keyed: Keyed) -> None:
    client, path = installation.client(), f"/teams/{installation.team_id}/destinations"
    assert (await client.post(path, json=with_key())).status_code == 201
    elsewhere = with_key(fields={"host": "elsewhere"})
    assert (await client.put(f"{path}/1", json=elsewhere)).status_code == 422
    action, object_, after = rows(installation, "action, object, after")[-1]
    assert (action, object_) == ("request.refused", f"request:PUT {path}/1")
    assert "private_key" in json.loads(str(after))["description"] and CANARY not in str(after)


async def test_a_row_is_never_changed(installation: Installation) -> None:
    installation.insert("audit", audit_time=0, actor="operator", action="team.create", object="team:1")
    with pytest.raises(apsw.ConstraintError, match="never changed"):
        installation.execute("UPDATE audit SET actor = 'key'")


async def test_what_is_too_long_is_told_by_its_size(installation: Installation) -> None:
    made = await world(installation)
    [route] = [route for route in ROUTES if named(route) == "PUT /teams/{team_id}/transfers/{transfer_id}"]
    sample = made.sample(route)
    sample.body["notification_recipients"] = ["a@example.com"] * 50  # type: ignore[index]
    sample.body["data_source_settings"][0]["value"] = "/" + "x" * 999  # type: ignore[index]
    sample.body["segments"] = [  # type: ignore[index]
        {"data_source_username": "u" * 255, "login_id": 0, "segment_id": f"{n:0100}", "segment_name": "s" * 255}
        for n in range(40)
    ]
    answer = await send(installation.client(), route, made.path(route, sample), sample)
    assert answer.status_code == 200, answer.text
    [(after,)] = rows(installation, "after")[-1:]
    told = json.loads(str(after))
    assert told["characters_left_out"] > 16_384 and "segments" in told["names"]
