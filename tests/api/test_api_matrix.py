"""Who may do what: every route with every role, with and without its scope, in the own, another and no team."""

from __future__ import annotations

import httpx
import pytest
from route_samples import named, send, world

from dayfill.api.routes import ROUTES
from dayfill.api.wire import Route
from dayfill.domain.access import SCOPES, Role, role_allows
from installation import Installation

EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES, ids=named)
IN_A_TEAM = [route for route in ROUTES if "{team_id}" in route.path]
WITH_OBJECT = [route for route in ROUTES if route.path.replace("{team_id}", "").count("{")]
UNKNOWN = 999_999


def decision(answer: httpx.Response) -> tuple[int, str] | str:
    if answer.status_code in (401, 403):
        return answer.status_code, answer.json()["error"]["code"]
    return "let in"


def expected(route: Route, role: Role, *, has_scope: bool) -> tuple[int, str] | str:
    if not has_scope:
        return 403, "ACCESS_DENIED_PERMISSIONS"
    return "let in" if role_allows(role, route.permission) else (403, "ACCESS_DENIED")


@EVERY_ROUTE
async def test_the_owner_gets_the_promised_status(installation: Installation, route: Route) -> None:
    made = await world(installation)
    sample = made.sample(route)
    answer = await send(installation.client(), route, made.path(route, sample), sample)
    assert answer.status_code == sample.status, answer.text


@EVERY_ROUTE
async def test_scope_and_role_must_both_allow_it(installation: Installation, route: Route) -> None:
    made = await world(installation)
    sample = made.sample(route)
    path = made.path(route, sample)
    for role in Role:
        for has_scope in (False, True):
            scopes = SCOPES if has_scope else SCOPES - {route.scope}
            _, key = await installation.user(installation.team_id, role, scopes)
            answer = await send(installation.client(key), route, path, sample)
            assert decision(answer) == expected(route, role, has_scope=has_scope), (role, has_scope, answer.text)


@EVERY_ROUTE
async def test_a_key_with_its_one_scope_is_enough_and_any_other_is_not(
    installation: Installation, route: Route
) -> None:
    made = await world(installation)
    sample = made.sample(route)
    path = made.path(route, sample)
    _, all_but_one = await installation.user(installation.team_id, Role.OWNER, SCOPES - {route.scope})
    _, only_one = await installation.user(installation.team_id, Role.OWNER, {route.scope} - {None})
    _, none = await installation.user(installation.team_id, Role.OWNER, ())
    for key in (all_but_one, none):
        answer = await send(installation.client(key), route, path, sample)
        assert decision(answer) == (403, "ACCESS_DENIED_PERMISSIONS")
    assert decision(await send(installation.client(only_one), route, path, sample)) == "let in"


@EVERY_ROUTE
async def test_without_a_key_nothing_is_looked_at(installation: Installation, route: Route) -> None:
    made = await world(installation)
    sample = made.sample(route)
    for path in (made.path(route, sample), made.path(route, sample, transfer_id=UNKNOWN, team_id=UNKNOWN)):
        answer = await installation.client("").request(route.method, path, content=b"{")
        assert decision(answer) == (401, "API_KEY_REQUIRED")


@pytest.mark.parametrize("route", IN_A_TEAM, ids=named)
async def test_another_team_and_no_team_answer_alike(installation: Installation, route: Route) -> None:
    made = await world(installation)
    sample = made.sample(route)
    second = await installation.team("Second")
    _, key = await installation.user(second, Role.OWNER)
    client = installation.client(key)
    others = await send(client, route, made.path(route, sample), sample)
    nobodys = await send(client, route, made.path(route, sample, team_id=UNKNOWN), sample)
    assert decision(others) == decision(nobodys) == (403, "ACCESS_DENIED")
    told = others.json()["error"]["description"]
    assert told.replace(str(installation.team_id), str(UNKNOWN)) == nobodys.json()["error"]["description"]


@pytest.mark.parametrize("route", WITH_OBJECT, ids=named)
async def test_another_teams_object_is_missing_like_one_that_never_was(
    installation: Installation, route: Route
) -> None:
    made = await world(installation)
    sample = made.sample(route)
    second = await installation.team("Second")
    _, key = await installation.user(second, Role.OWNER)
    client = installation.client(key)
    never = {name: UNKNOWN for name in made.ids if name != "team_id"}
    before = snapshot(installation)
    others = await send(client, route, made.path(route, sample, team_id=second), sample)
    absent = await send(client, route, made.path(route, sample, **{**never, "team_id": second}), sample)
    assert others.status_code == absent.status_code == 404
    assert others.json()["error"] == absent.json()["error"]
    differing = ("x-request-id",)
    assert without(others.headers, differing) == without(absent.headers, differing)
    assert snapshot(installation) == before


@pytest.mark.parametrize("route", WITH_OBJECT, ids=named)
async def test_an_absent_object_is_missing_before_the_body_is_read(installation: Installation, route: Route) -> None:
    made = await world(installation)
    sample = made.sample(route)
    never = {name: UNKNOWN for name in made.ids if name != "team_id"}
    answer = await installation.client().request(route.method, made.path(route, sample, **never), content=b"{")
    assert answer.status_code == 404


@pytest.mark.parametrize("route", [route for route in ROUTES if route.writes], ids=named)
async def test_whoever_may_not_write_changes_nothing(installation: Installation, route: Route) -> None:
    made = await world(installation)
    sample = made.sample(route)
    _, key = await installation.user(installation.team_id, Role.VIEWER)
    before, woken = snapshot(installation), installation.woken
    await send(installation.client(key), route, made.path(route, sample), sample)
    assert snapshot(installation) == before
    assert installation.woken == woken


def without(headers: httpx.Headers, names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}


def snapshot(made: Installation) -> dict[str, object]:
    """All rows of all tables."""
    tables = made.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {str(table): made.execute(f"SELECT * FROM {table}") for (table,) in tables}
