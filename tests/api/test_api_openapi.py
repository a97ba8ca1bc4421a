"""The OpenAPI file is the route table, both ways, and the server gives it away."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import validate

from dayfill.api import routing
from dayfill.api.routes import PUBLIC, ROUTES
from dayfill.api.wire import Route
from installation import Installation
from openapi_check import DOCUMENT, resolve

METHODS = {"get", "post", "put", "patch", "delete"}
OPERATIONS = [
    (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
]


def test_the_file_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_routes_and_file_are_equal_both_ways() -> None:
    declared = {(method.upper(), path) for path, method, _ in OPERATIONS}
    served = {(route.method, route.path) for route in ROUTES} | {("GET", path) for path in PUBLIC}
    assert served == declared


def test_every_mount_leads_to_the_routes_of_the_root_and_to_no_others() -> None:
    tree = routing.tree(ROUTES)
    for route in ROUTES:
        path = re.sub(r"\{\w+\}", "7", route.path)
        at_root = routing.find(tree, path)
        assert at_root is not None and at_root.routes[route.method] is route
        for mount in routing.MOUNTS[1:]:
            below = routing.find(tree, mount + path)
            if route.path.startswith("/x/"):
                assert below is None
            else:
                assert below is not None and below.routes is at_root.routes, f"{mount}{path}"
                assert (below.values, below.mount, below.path) == (at_root.values, mount, path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_scope_permission_and_path_ids_are_those_of_the_route(route: Route) -> None:
    item = DOCUMENT["paths"][route.path]
    operation = item[route.method.lower()]
    assert operation["security"] == [{"ApiKey": [route.scope] if route.scope else []}]
    assert operation["x-permission"] == route.permission.value
    named = [resolve(parameter) for parameter in item.get("parameters", [])]
    assert [parameter["name"] for parameter in named] == re.findall(r"\{(\w+)\}", route.path)


def test_a_public_operation_needs_no_key() -> None:
    open_to_all = {path for path, _, operation in OPERATIONS if operation["security"] == []}
    assert open_to_all == set(PUBLIC)


def test_every_unsafe_route_takes_an_idempotency_key_but_what_gives_source_rows_or_always_refuses() -> None:
    for route in ROUTES:
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        names = {resolve(parameter)["name"] for parameter in operation.get("parameters", [])}
        answers = any(status.startswith("2") for status in operation["responses"])
        assert ("Idempotency-Key" in names) == (route.kept and route.method != "GET" and answers), route


def test_what_can_happen_to_any_request_with_a_key_is_in_the_file_everywhere() -> None:
    for path, method, operation in OPERATIONS:
        if operation["security"]:
            everywhere = {"400", "401", "403", "429", "500", "503"} | (set() if method == "get" else {"413"})
            if "Idempotency-Key" in {resolve(parameter)["name"] for parameter in operation.get("parameters", [])}:
                everywhere.add("422")  # the key was used with another body
            assert everywhere <= set(operation["responses"]), f"{method} {path}"


def test_every_component_is_used_and_every_operation_has_one_name() -> None:
    text = str(DOCUMENT)
    for kind, components in DOCUMENT["components"].items():
        for name in components:
            assert kind == "securitySchemes" or f"#/components/{kind}/{name}'" in text, f"{kind} {name} is unused"
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))


async def test_the_server_gives_the_file_to_everybody(installation: Installation) -> None:
    answer = await installation.client("").get("/openapi.yaml")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/yaml"
    assert answer.text.startswith("# Kept by hand") and "openapi: 3.1.0" in answer.text
