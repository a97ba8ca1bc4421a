"""Says what is wrong with an answer: its status, shape and headers against the OpenAPI file, what it must not hold."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec
from draw import Request
from two_teams import CANARY

from dayfill.api.routing import MOUNTS
from openapi_check import DOCUMENT, resolve

REQUEST_ID = re.compile(rb"[0-9A-F]{8}-[0-9A-F]{4}-7[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}")
FORBIDDEN = (b"Traceback", b'File "', b"site-packages", b"sqlite3", b"apsw", CANARY.encode())
"""Never in an answer: a stack trace, the name of a driver, another team's text."""
TAKEN = re.compile(rb'"run_seconds":[0-9.e-]+,')
UNDER_WAY = re.compile(rb'"status_code":"(SCHEDULED|QUEUED|RUNNING)"')
FAULTS = {500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def is_stream(self) -> bool:
        return self.headers.get(b"content-type") == b"text/event-stream"

    def plain(self) -> tuple[int, dict[bytes, bytes], bytes]:
        """The answer without what differs from request to request, or by the time that a source took."""
        headers = {
            name: value for name, value in self.headers.items() if name not in (b"x-request-id", b"content-length")
        }
        body = self.body.replace(self.headers.get(b"x-request-id", b"-"), b"id")
        return self.status, headers, TAKEN.sub(b"", body) if b"run_seconds" in body else body

    def is_alike(self, other: Answer) -> bool:
        """Whether they are the same, as far as they can be: how far a query has come depends on its thread."""
        return self.plain() == other.plain() or any(UNDER_WAY.search(one.body) for one in (self, other))


class Judge:
    """seen: how often each operation gave each status."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str, int]] = Counter()

    def faults(self, request: Request, answer: Answer) -> list[str]:
        found = [
            f"the answer holds {word!r}" for word in FORBIDDEN if word in answer.body.lower() or word in answer.body
        ]
        if answer.status in FAULTS:
            found.append("it is a fault of the server")
        found += _of_headers(answer)
        template = template_of(request.path) if not request.is_refused_path else None
        item = DOCUMENT["paths"].get(template, {})
        method = "get" if request.method == "HEAD" else request.method.lower()
        if template is None or method not in item or request.method not in METHODS:
            allowed = {404} if template is None else {204} if request.method == "OPTIONS" else {405}
            if answer.status not in allowed:
                found.append(f"nothing is there, so the status must be of {allowed}")
            return found + _of_error(answer)
        self.seen[method.upper(), template, answer.status] += 1
        return found + _of_operation(template, method, request, answer)


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}


def _of_headers(answer: Answer) -> list[str]:
    headers, found = answer.headers, []
    if not REQUEST_ID.fullmatch(headers.get(b"x-request-id", b"")):
        found.append("x-request-id is no UUID")
    if headers.get(b"access-control-allow-origin") != b"*":
        found.append("the CORS header is missing")
    if answer.status == 204:
        if answer.body or b"content-length" in headers:
            found.append("204 has a body")
    elif not answer.is_stream and headers.get(b"content-length") != b"%d" % len(answer.body):
        found.append("content-length is not that of the body")
    if answer.status == 401 and headers.get(b"www-authenticate") != b"Bearer":
        found.append("401 without WWW-Authenticate")
    if any(b"\n" in value or b"\r" in value for value in headers.values()):
        found.append("a header holds a line break")
    return found


def _of_operation(template: str, method: str, request: Request, answer: Answer) -> list[str]:
    status = str(answer.status)
    validator, headers, is_empty = shape(template, method, status)
    if validator is False:
        return [f"{method} {template} has no status {status} in the file"]
    found = [f"the header {name.decode()} is missing" for name in headers if name not in answer.headers]
    if is_empty:
        return found + (["there is a body"] if answer.body else [])
    if validator is None:
        return found
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return [*found, f"the body is not JSON: {error}"]
    if not validator.is_valid(document):
        error = next(iter(validator.iter_errors(document)))
        found.append(f"the body is not of its shape: {error.message} at {error.instance_path}")
    meta = document.get("meta") if isinstance(document, dict) else None
    if meta is not None and meta["request_id"].encode() != answer.headers[b"x-request-id"]:
        found.append("the body has another request_id than the header")
    return found


def _of_error(answer: Answer) -> list[str]:
    if answer.status == 204 or _error().is_valid(msgspec.json.decode(answer.body)):
        return []
    return ["the body is no error"]


@cache
def _error() -> Any:
    return _validator({"$ref": "#/components/schemas/Error"})


def _validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]}, validate_formats=True)


@cache
def shape(template: str, method: str, status: str) -> tuple[Any, tuple[bytes, ...], bool]:
    """Validator of an answer (None: not JSON, False: no such status), its headers, and whether its body is empty."""
    responses = DOCUMENT["paths"][template][method]["responses"]
    if status not in responses:
        return False, (), False
    declared = resolve(responses[status])
    content = declared.get("content", {})
    headers = tuple(
        name.lower().encode() for name, header in declared.get("headers", {}).items() if resolve(header).get("required")
    )
    if "application/json" not in content:
        return None, headers, not content
    return _validator(content["application/json"]["schema"]), headers, False


@cache
def _tree() -> dict[str, Any]:
    root: dict[str, Any] = {}
    for template in DOCUMENT["paths"]:
        node = root
        for segment in template.split("/")[1:]:
            node = node.setdefault("{}" if segment.startswith("{") else segment, {})
        node["/"] = template
    return root


def template_of(path: str) -> str | None:
    """The path of the file that serves this one, below a mount or not; None if there is none."""
    found = _at_root(path)
    if found is None:
        for mount in MOUNTS[1:]:
            below = _at_root(path[len(mount) :]) if path.startswith(mount + "/") else None
            if below is not None and below.startswith(("/teams/", "/table/", "/ds/", "/query/")):
                return below
    return found


def _at_root(path: str) -> str | None:
    node, (before, *segments) = _tree(), path.split("/")
    for segment in [] if before else segments:
        following = node.get(segment) if segment != "/" else None
        if following is None:
            following = node.get("{}") if segment else None
        if following is None:
            return None
        node = following
    return node.get("/")
