"""Holds answers against the OpenAPI file that the server ships."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from dayfill.api.routing import MOUNTS

QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Every process of the tests reads the file when it starts."""
DOCUMENT: dict[str, Any] = yaml.load(files("dayfill.api").joinpath("openapi.yaml").read_text("utf-8"), QUICK)
_FORMATS = FormatChecker(["date", "date-time", "uuid", "ipv4"])


async def check_answer(response: httpx.Response) -> None:
    """An httpx hook: fails if the operation, the status or the body is not in the file."""
    await response.aread()
    request = response.request
    operation = find_operation(request.method, request.url.path)
    if operation is None:
        # Unknown paths and methods, preflights, limits: the same everywhere; the file cannot list them.
        assert response.status_code in (204, 404, 405, 429), f"{request.method} {request.url.path} is not in the file"
        return
    path, method = operation
    declared = resolve(DOCUMENT["paths"][path][method]["responses"])
    status = str(response.status_code)
    assert status in declared, f"{method} {path} answered {status}, which the file does not name: {response.text}"
    for name in resolve(declared[status]).get("headers", {}):
        assert name in response.headers, f"{method} {path} {status} lacks the header {name}"
    content = resolve(declared[status]).get("content", {})
    if request.method == "HEAD":
        assert response.content == b""
    elif "application/json" in content:
        validator(path, method, status).validate(response.json())
    elif not content:
        assert response.content == b""


def find_operation(method: str, url_path: str) -> tuple[str, str] | None:
    """Path template and lower-case method of the operation that serves a request."""
    for mount in sorted(MOUNTS, key=len, reverse=True):
        below = url_path.removeprefix(mount)
        if mount and below.startswith(("/teams/", "/table/", "/ds/", "/query/")) and below != url_path:
            url_path = below
            break
    wanted = "get" if method == "HEAD" else method.lower()
    for template, pattern in _patterns():
        if pattern.fullmatch(url_path) and wanted in DOCUMENT["paths"][template]:
            return template, wanted
    return None


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Templates with literal segments first, as the server matches them."""
    templates = sorted(DOCUMENT["paths"], key=lambda template: (template.count("{"), template))
    return [(template, re.compile(re.sub(r"\{[a-z_]+\}", "[^/]+", template))) for template in templates]


@cache
def validator(path: str, method: str, status: str) -> Draft202012Validator:
    responses = DOCUMENT["paths"][path][method]["responses"]
    schema = resolve(responses[status])["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]}, format_checker=_FORMATS)


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """The node behind a ``$ref`` inside the file."""
    if "$ref" not in node:
        return node
    found: Any = DOCUMENT
    for key in node["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return resolve(found)
