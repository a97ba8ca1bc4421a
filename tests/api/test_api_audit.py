"""The audit log: each route that changes something leaves one row with the change, and none without it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from route_samples import named, send, world
from test_api_destinations import CANARY, Keyed, keyed, with_key

from dayfill.api.asgi import Api
from dayfill.api.routes import ROUTES, TEAM
from dayfill.api.routing import tree
from dayfill.api.wire import Answer, Call, Route
from dayfill.domain.access import Permission, Role
from dayfill.domain.audit import Act
from dayfill.store.db import Database, Tx
from installation import Installation

__all__ = ["keyed"]

UNSAFE = [route for route in ROUTES if route.method != "GET"]
NOTED = {"destinations.test"}
"""Routes that reach out of the server and change nothing, yet leave a row."""
LOOKS = {"validations.create", "validations.update", "extensions.plan"}
"""POST for the sake of its body alone: these change nothing."""


def handler(route: Route) -> str:
    return f"{route.handler.__module__.rpartition('.')[2]}.{route.handler.__name__}"


def rows(made: Installation, columns: str = "*") -> list[tuple[object, ...]]:
    return made.execute(f"SELECT {columns} FROM audit ORDER BY audit_id")


class Refusing:
    """A database that takes no change: what a transaction did is gone at its end."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def __getattr__(self, name: str) -> object:
        return getattr(self._db, name)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        async with self._db.write() as tx:
            yield tx
            raise RuntimeError("nothing is written")


def test_every_unsafe_route_changes_something_or_is_known_to_change_nothing() -> None:
    assert {handler(route) for route in UNSAFE if not route.writes} == NOTED | LOOKS


@pytest.mark.parametrize("route", UNSAFE, ids=named)
async def test_one_row_with_the_change_and_none_without(installation: Installation, route: Route) -> None:
    made = await world(installation)
    sample, client = made.sample(route), installation.client()
    path, before, db = made.path(route, sample), rows(installation), installation.server.db
    _, viewer = await installation.user(installation.team_id, Role.VIEWER)
    await send(installation.client(viewer), route, path, sample)
    installation.server = replace(installation.server, db=Refusing(db))
    broken = await send(installation.client(), route, path, sample)
    assert broken.status_code == (200 if handler(route) in LOOKS else 500)
    assert rows(installation) == before
    answer = await send(client, route, path, sample)
    assert answer.status_code == sample.status
    columns = "team_id, actor, user_id, api_key_id, address, request_id"
    new = rows(installation, columns)[len(before) :]
    who = (installation.user_id, f"apk_{installation.key[4:12]}", "127.0.0.1", answer.headers["x-request-id"])
    assert new == ([] if handler(route) in LOOKS else [(installation.team_id, "key", *who)])


@pytest.mark.parametrize("route", [route for route in UNSAFE if route.writes], ids=named)
async def test_a_row_names_its_object_and_what_is_different(installation: Installation, route: Route) -> None:
    made = await world(installation)
    sample = made.sample(route)
    await send(installation.client(), route, made.path(route, sample), sample)
    action, named_object, before, after = rows(installation, "action, object, before, after")[-1]
    kind, _, identity = str(named_object).partition(":")
    assert str(action).startswith(f"{kind}.") and identity
    ids = [made.ids[sample.ids.get(name, name)] for name in _ids_of(route)]
    assert not ids or route.path.endswith(("/backfills", "/backfills/plan")) or identity == str(ids[-1])
    assert before is not None or after is not None
    if before and after:
        told, now = json.loads(str(before)), json.loads(str(after))
        assert all(told.get(name) != now.get(name) for name in {*told, *now})


def _ids_of(route: Route) -> list[str]:
    return [part[1:-1] for part in route.path.split("/") if part.startswith("{") and part != "{team_id}"]


async def test_a_replay_leaves_no_row(installation: Installation) -> None:
    path, body = f"/teams/{installation.team_id}/destinations", {**with_key(), "type": "DWH_DUCKDB"}
    body["fields"] = {"path": "a.duckdb"}
    for _ in range(2):
        answer = await installation.client().post(path, json=body, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 201
    assert rows(installation, "action, object") == [("destination.create", "destination:1")]


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


async def test_what_is_too_long_is_told_by_its_size(installation: Installation) -> None:
    made = await world(installation)
    [route] = [route for route in UNSAFE if handler(route) == "transfers.update"]
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
