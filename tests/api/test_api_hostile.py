"""Whatever a caller puts into a request, it is answered on purpose: no route ends in a fault of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from route_samples import named, world

from dayfill.api.routes import ROUTES
from dayfill.api.wire import Route
from installation import Installation

UGLY: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**31,
    2**63,
    10**30,
    "",
    " ",
    "\0",
    "\u202e\U0001f600",
    "x" * 3000,
    "9999-99-99",
    "'; DROP TABLE runs; --",
    [],
    [None],
    [[]],
    {},
    {"": None},
    [{"run_interval": "yearly"}],
)
QUERIES = ("", "\0", "-1", "1e3", "9" * 40, "é", "2024-02-30", "2024-01-01T00:00:00+99:99", "0001-01-01", "null")


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method != "GET"], ids=named)
async def test_no_body_is_a_fault(installation: Installation, route: Route) -> None:
    made = await world(installation)
    sample = made.sample(route)
    client, path = installation.client(), made.path(route, sample)
    for body in spoiled(sample.body):
        answer = await client.request(route.method, path, json=body)
        assert answer.status_code < 500 or answer.status_code == sample.status == 501, (body, answer.text)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "GET"], ids=named)
async def test_no_query_is_a_fault(installation: Installation, route: Route) -> None:
    made = await world(installation)
    sample = made.sample(route)
    client, path = installation.client(), made.path(route, sample)
    names = {*sample.query, "limit", "offset", "cursor", "from", "to", "status", "created_from", "json", "sort_field"}
    for name in names:
        for text in QUERIES:
            answer = await client.get(path, params={**sample.query, name: text})
            assert answer.status_code < 500, (name, text, answer.text)


def spoiled(value: Any) -> Iterator[Any]:
    """The value with each of its parts, at any depth, replaced by each ugly one; and with a part missing or added."""
    yield from UGLY
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        for ugly in spoiled(part):
            copy = value.copy()
            copy[key] = ugly
            yield copy
    if isinstance(value, dict):
        yield {**value, "unknown": 1}
        for key in value:
            yield {name: part for name, part in value.items() if name != key}
