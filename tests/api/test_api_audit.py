"""The audit log: each route that changes something leaves one row with the change, and none without it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from frozen import Keys
from route_samples import World, named, send
from test_api_matrix import installation, keys, made, start

from dayfill.api.routes import ROUTES
from dayfill.api.wire import Route
from dayfill.domain.access import Permission, Role
from installation import Installation
from refusing import Refusing

__all__ = ["installation", "keys", "made", "start"]

UNSAFE = [route for route in ROUTES if route.method != "GET"]
REFUSES = {"not_offered.refuse", "login_links.create", "login_links.find"}
"""Nothing of this kind can be made here, so nothing can change."""
LOOKS = {"validations.create", "validations.update", "backfill_extensions.plan", "queries.run"}
"""POST for the sake of its body alone: these change nothing."""


def handler(route: Route) -> str:
    return f"{route.handler.__module__.rpartition('.')[2]}.{route.handler.__name__}"


def rows(made: Installation, columns: str = "*") -> list[tuple[object, ...]]:
    return made.execute(f"SELECT {columns} FROM audit ORDER BY audit_id")


def test_every_unsafe_route_changes_something_or_is_known_to_change_nothing() -> None:
    silent = {handler(route) for route in UNSAFE if not route.writes and not route.tries}
    assert silent == LOOKS | REFUSES


def test_whatever_is_about_who_gets_in_or_about_secrets_is_watched() -> None:
    about = {Permission.TEAM_MANAGE, Permission.LOGIN_EDIT}
    acts = {route for route in UNSAFE if route.writes or route.tries}
    secret = {route for route in acts if handler(route).startswith("destinations.")}
    assert {route for route in ROUTES if route.watched} == {one for one in acts if one.permission in about} | secret


@pytest.mark.parametrize("route", [route for route in UNSAFE if handler(route) not in REFUSES], ids=named)
async def test_one_row_with_the_change_and_none_without(
    installation: Installation, made: World, keys: Keys, route: Route
) -> None:
    sample, client = made.sample(route), installation.client()
    path, before, db = made.path(route, sample), rows(installation), installation.server.db
    await send(installation.client(keys.by_role[Role.VIEWER, None]), route, path, sample)
    refused = rows(installation, "action")[len(before) :]
    assert refused == ([("request.refused",)] if route.watched else [])
    installation.execute("DELETE FROM audit WHERE action = 'request.refused'")
    installation.server = replace(installation.server, db=Refusing(db))
    broken = await send(installation.client(), route, path, sample)
    is_silent = handler(route) in LOOKS
    assert broken.status_code == (sample.status if is_silent else 500)
    assert rows(installation) == before
    answer = await send(client, route, path, sample)
    assert answer.status_code == sample.status
    columns = "team_id, actor, user_id, api_key_id, address, request_id"
    new = rows(installation, columns)[len(before) :]
    who = (installation.user_id, f"apk_{installation.key[4:12]}", "127.0.0.1", answer.headers["x-request-id"])
    assert new == ([] if is_silent else [(installation.team_id, "key", *who)])


@pytest.mark.parametrize("route", [route for route in UNSAFE if route.writes], ids=named)
async def test_a_row_names_its_object_and_what_is_different(
    installation: Installation, made: World, route: Route
) -> None:
    sample = made.sample(route)
    path = made.path(route, sample)
    await send(installation.client(), route, path, sample)
    action, named_object, before, after = rows(installation, "action, object, before, after")[-1]
    kind, _, identity = str(named_object).partition(":")
    assert str(action).startswith(f"{kind}.") and identity
    ids = _ids_in(route, path)
    assert not ids or route.path.endswith("/backfills") or identity == ids[-1]
    assert before is not None or after is not None
    if before and after:
        told, now = json.loads(str(before)), json.loads(str(after))
        assert all(told.get(name) != now.get(name) for name in {*told, *now})


def _ids_in(route: Route, path: str) -> list[str]:
    parts = zip(route.path.split("/"), path.split("/"), strict=True)
    return [text for name, text in parts if name.startswith("{") and name != "{team_id}"]
