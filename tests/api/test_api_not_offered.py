"""What dayfill does not offer: empty lists in their exact shape, no object, and a change that says so."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from route_samples import named
from test_api_logins import code

from dayfill.api.not_offered_routes import NOT_OFFERED
from dayfill.api.wire import Route
from dayfill.domain.access import Role
from installation import Installation

CHANGES = [route for route in NOT_OFFERED if route.method != "GET"]
LINKS = {"first": None, "prev": None, "next": None, "last": None}
FORM = "application/x-www-form-urlencoded"


async def read(installation: Installation, path: str) -> httpx.Response:
    answer = await installation.client().get(f"/v1/teams/{installation.team_id}/{path}")
    assert answer.status_code == 200, answer.text
    return answer


async def test_custom_fields_are_an_empty_page(installation: Installation) -> None:
    answer = (await read(installation, "custom-fields?page=1&limit=20&data_source_id=FILES")).json()
    assert answer["data"] == {"items": []}
    assert answer["meta"]["pagination"] == {"links": LINKS}
    counted = (await read(installation, "custom-fields?include_total_count=true")).json()
    assert counted["meta"]["pagination"] == {"links": LINKS, "total_count": 0}


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("custom-fields/metadata", {"rules": {}, "functions": {"items": []}, "field_data_types": []}),
        ("data-blending/blends", {"items": []}),
        ("account_tags", {"items": []}),
    ],
)
async def test_other_lists_are_objects_without_items(installation: Installation, path: str, data: object) -> None:
    assert (await read(installation, path)).json()["data"] == data


async def test_built_connectors_are_not_wrapped(installation: Installation) -> None:
    answer = await read(installation, "connector_builder/connectors?include_configs=true")
    assert answer.json() == {"count": 0, "connectors": []}


@pytest.mark.parametrize(
    "query", ["custom-fields?include_total_count=yes", "connector_builder/connectors?include_configs=1"]
)
async def test_a_flag_is_true_or_false(installation: Installation, query: str) -> None:
    answer = await installation.client().get(f"/teams/{installation.team_id}/{query}")
    assert code(answer) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize("route", CHANGES, ids=named)
@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"display_name": "A"}},
        {"content": b"{"},
        {"content": b"title=A", "headers": {"Content-Type": FORM}},
        {"files": {"logo": b"\x89PNG\r\n"}},
    ],
    ids=["json", "broken", "form", "file"],
)
async def test_a_change_says_that_it_is_not_offered(
    installation: Installation, route: Route, sent: dict[str, Any]
) -> None:
    path = route.path.replace("{team_id}", str(installation.team_id)).replace("{", "").replace("}", "")
    answer = await installation.client().request(route.method, path, **sent)
    assert code(answer) == (501, "NOT_IMPLEMENTED")
    assert answer.json()["error"]["message"] == "Not Implemented"
    assert answer.json()["error"]["description"].startswith("dayfill has no ")
    assert installation.woken == 0


async def test_finance_may_look_and_not_ask_for_a_change(installation: Installation) -> None:
    _, key = await installation.user(installation.team_id, Role.FINANCE)
    client, path = installation.client(key), f"/teams/{installation.team_id}/account_tags"
    assert (await client.get(path)).status_code == 200
    assert code(await client.post(path, json={})) == (403, "ACCESS_DENIED")
