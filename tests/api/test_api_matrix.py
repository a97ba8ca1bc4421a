"""Who may do what: every route with every role, with and without its scope, in the own, another and no team.

Every cell has its status and code. What lies below a mount is decided by the same table.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from frozen import Frozen, Keys, frozen
from route_samples import Sample, World, named, send

from dayfill.api.routes import ROUTES
from dayfill.api.routing import MOUNTS, TEXTS
from dayfill.api.wire import Route
from dayfill.domain.access import Role, role_allows
from installation import Installation

EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES, ids=named)
WITH_SCOPE = [route for route in ROUTES if route.scope is not None]
IN_A_TEAM = [route for route in ROUTES if "{team_id}" in route.path]
WITH_OBJECT = [route for route in ROUTES if set(re.findall(r"\{(\w+)\}", route.path)) - {"team_id"} - TEXTS]
"""Their paths name an object of a team; ids that are texts are of sources, which every team has, or of nothing."""
UNKNOWN = 999_999

SAYS_WHAT_TO_DO = re.compile(r"\b(ask|check|send)\b", re.IGNORECASE)

_made: list[Frozen] = []


@pytest.fixture
async def start(tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    if not _made:
        _made.append(await frozen(tmp_path_factory.mktemp("frozen")))
    return _made[0]


@pytest.fixture
async def installation(start: Frozen, tmp_path: Path) -> AsyncIterator[Installation]:
    made = await start.copy(tmp_path)
    yield made
    await made.close()


@pytest.fixture
def made(start: Frozen) -> World:
    return start.world


@pytest.fixture
def keys(start: Frozen) -> Keys:
    return start.keys


def decision(answer: httpx.Response) -> tuple[int, str] | str:
    if answer.status_code in (401, 403):
        error = answer.json()["error"]
        assert SAYS_WHAT_TO_DO.search(error["description"]), error
        return answer.status_code, error["code"]
    return "let in"


def expected(route: Route, role: Role, *, has_scope: bool) -> tuple[int, str] | str:
    if route.scope is not None and not has_scope:
        return 403, "ACCESS_DENIED_PERMISSIONS"
    return "let in" if role_allows(role, route.permission) else (403, "ACCESS_DENIED")


@EVERY_ROUTE
async def test_the_owner_gets_the_promised_status(installation: Installation, made: World, route: Route) -> None:
    sample = made.sample(route)
    answer = await send(installation.client(), route, made.path(route, sample), sample)
    assert answer.status_code == sample.status, answer.text


@EVERY_ROUTE
async def test_scope_and_role_must_both_allow_it(
    installation: Installation, made: World, keys: Keys, route: Route
) -> None:
    sample = made.sample(route)
    path = made.path(route, sample)
    for role in Role:
        for missing in {route.scope, None}:
            answer = await send(installation.client(keys.by_role[role, missing]), route, path, sample)
            cell = expected(route, role, has_scope=missing is None)
            assert decision(answer) == cell, (role, missing, answer.text)


@pytest.mark.parametrize("route", WITH_SCOPE, ids=named)
async def test_a_key_with_its_one_scope_is_enough_and_all_others_are_not(
    installation: Installation, made: World, keys: Keys, route: Route
) -> None:
    sample = made.sample(route)
    path = made.path(route, sample)
    for scope in keys.only.keys() - {route.scope}:
        answer = await send(installation.client(keys.only[scope]), route, path, sample)
        assert decision(answer) == (403, "ACCESS_DENIED_PERMISSIONS"), scope
    assert decision(await send(installation.client(keys.only[route.scope]), route, path, sample)) == "let in"


@EVERY_ROUTE
async def test_without_a_key_nothing_is_looked_at(installation: Installation, made: World, route: Route) -> None:
    sample = made.sample(route)
    for path in (made.path(route, sample), made.path(route, sample, transfer_id=UNKNOWN, team_id=UNKNOWN)):
        answer = await installation.client("").request(route.method, path, content=b"{")
        assert decision(answer) == (401, "API_KEY_REQUIRED")


@EVERY_ROUTE
async def test_a_mount_decides_like_the_root_or_leads_nowhere(
    installation: Installation, made: World, keys: Keys, route: Route
) -> None:
    """The refused cells; what is let in answers below a mount as at the root (see the tests of the envelope)."""
    sample = made.sample(route)
    refused = {"": (401, "API_KEY_REQUIRED"), keys.nobody: (403, "ACCESS_DENIED")}
    if route.scope is not None:
        refused[keys.by_role[Role.OWNER, route.scope]] = (403, "ACCESS_DENIED_PERMISSIONS")
    refused |= {
        keys.by_role[role, None]: (403, "ACCESS_DENIED") for role in Role if not role_allows(role, route.permission)
    }
    for mount in MOUNTS:
        for key, cell in refused.items():
            answer = await send(installation.client(key), route, mount + made.path(route, sample), sample)
            nowhere = mount != "" and route.path.startswith("/x/")
            assert (answer.status_code, answer.json()["error"]["code"]) == ((404, "NOT_FOUND") if nowhere else cell)


@pytest.mark.parametrize("route", IN_A_TEAM, ids=named)
async def test_another_team_and_no_team_answer_alike(
    installation: Installation, made: World, keys: Keys, route: Route
) -> None:
    sample = made.sample(route)
    for key in (keys.second, keys.nobody):
        client = installation.client(key)
        others = await send(client, route, made.path(route, sample), sample)
        nobodys = await send(client, route, made.path(route, sample, team_id=UNKNOWN), sample)
        assert decision(others) == decision(nobodys) == (403, "ACCESS_DENIED")
        told = others.json()["error"]["description"]
        assert told.replace(f"team {installation.team_id}", f"team {UNKNOWN}") == nobodys.json()["error"]["description"]


@pytest.mark.parametrize("route", WITH_OBJECT, ids=named)
async def test_another_teams_object_is_missing_like_one_that_never_was(
    installation: Installation, start: Frozen, route: Route
) -> None:
    made, second = start.world, start.second_team
    sample, client = made.sample(route), installation.client(start.keys.second)
    before = snapshot(installation)
    others = await send(client, route, made.path(route, sample, team_id=second), sample)
    absent = await send(client, route, made.path(route, sample, **never(made, team_id=second)), sample)
    assert others.status_code == absent.status_code == 404
    assert others.json()["error"] == absent.json()["error"]
    assert without_request_id(others) == without_request_id(absent)
    assert snapshot(installation) == before


@pytest.mark.parametrize("route", WITH_OBJECT, ids=named)
async def test_an_absent_object_is_missing_before_the_body_is_read(
    installation: Installation, made: World, route: Route
) -> None:
    path = made.path(route, made.sample(route), **never(made))
    answer = await installation.client().request(route.method, path, content=b"{")
    assert answer.status_code == 404
    assert re.search(r"; .*\b(list|create)\b", answer.json()["error"]["description"]), answer.text


@pytest.mark.parametrize("route", [route for route in ROUTES if route.writes], ids=named)
async def test_whoever_may_not_write_changes_nothing(
    installation: Installation, made: World, keys: Keys, route: Route
) -> None:
    sample: Sample = made.sample(route)
    before, woken = snapshot(installation), installation.woken
    for role in Role:
        if not role_allows(role, route.permission):
            await send(installation.client(keys.by_role[role, None]), route, made.path(route, sample), sample)
    # That somebody tried may be told; nothing else.
    installation.execute("DELETE FROM audit WHERE action = 'request.refused'")
    assert snapshot(installation) == before
    assert installation.woken == woken


def never(made: World, **ids: int) -> dict[str, int]:
    """Ids of a path that no object has."""
    return {name: UNKNOWN for name in made.ids if name != "team_id"} | ids


def without_request_id(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


def snapshot(made: Installation) -> dict[str, object]:
    """All rows of all tables."""
    tables = made.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {str(table): made.execute(f"SELECT * FROM {table}") for (table,) in tables}
