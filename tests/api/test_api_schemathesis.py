"""Requests that another tool makes of the OpenAPI file, good ones and bad: what it takes the file to say happens.

`make test ARGS="tests/api/test_api_schemathesis.py --requests 500"` makes so many for each operation and kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import httpx
import pytest
import requests
import schemathesis
from frozen import Frozen, frozen
from hypothesis import HealthCheck, given, settings
from route_samples import TEXTS, named, written
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from dayfill.api.routes import ROUTES
from dayfill.api.wire import Route
from openapi_check import DOCUMENT

BASE = "http://127.0.0.1:8484"


def no_fault(context: CheckContext, response: Response, case: Case) -> bool | None:
    """501 is none: the file promises it for what dayfill does not have."""
    return None if response.status_code == 501 else not_a_server_error(context, response, case)


CHECKS = [
    no_fault,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]

_schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    return asyncio.run(frozen(tmp_path_factory.mktemp("frozen")))


def plans() -> Iterator[tuple[Route, GenerationMode]]:
    """Each route but the stream, which does not end; bad requests where there is more than a path to spoil."""
    for route in ROUTES:
        if route.path.endswith("/events"):
            continue
        yield route, GenerationMode.POSITIVE
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        if "parameters" in operation or "requestBody" in operation:
            yield route, GenerationMode.NEGATIVE


@pytest.mark.parametrize(
    ("route", "mode"), list(plans()), ids=lambda one: one.name if isinstance(one, Enum) else named(one)
)
def test_what_is_made_of_the_file_is_answered_as_it_says(
    start: Frozen, tmp_path: Path, request: pytest.FixtureRequest, route: Route, mode: GenerationMode
) -> None:
    own = TEXTS | {name: written(name, id_) for name, id_ in start.world.ids.items()}
    ids = {name: id_ for name, id_ in own.items() if "{" + name + "}" in route.path}
    key = {"Authorization": f"Bearer {start.key}"}
    cases = _schema[route.path][route.method].as_strategy(generation_mode=mode, path_parameters=ids, headers=key)
    examples = request.config.getoption("--requests") or 5
    with asyncio.Runner() as runner:
        made = runner.run(start.copy(tmp_path))
        client = made.client("")

        @settings(max_examples=examples, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=cases)
        def ask(case: Case) -> None:
            case.validate_response(runner.run(answer(client, case)), checks=CHECKS)

        ask()
        runner.run(made.close())


async def answer(client: httpx.AsyncClient, case: Case) -> httpx.Response:
    sent = requests.Request(**case.as_transport_kwargs(base_url=BASE)).prepare()
    return await client.request(sent.method, sent.url, headers=dict(sent.headers), content=sent.body)
