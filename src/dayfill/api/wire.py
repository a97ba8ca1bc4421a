"""The shapes of the wire: what a handler gets and gives, the envelope, and the status of every error."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec
from starlette.datastructures import Headers, QueryParams

from dayfill.api import bodies
from dayfill.api.addresses import address_of
from dayfill.api.server import Server
from dayfill.domain.access import SCOPES, Caller, Permission
from dayfill.domain.audit import Act, Actor
from dayfill.errors import (
    Busy,
    Conflict,
    Denied,
    Exceeded,
    Malformed,
    Missing,
    NotOffered,
    Refused,
    RequestError,
    Unauthenticated,
)
from dayfill.seams import Seams

Body = TypeVar("Body")

ERRORS: dict[type[RequestError], tuple[int, str]] = {
    Malformed: (400, "Invalid Parameter"),
    Unauthenticated: (401, "Invalid API key"),
    Denied: (403, "Access Denied"),
    Missing: (404, "Not Found"),
    Conflict: (409, "Conflict"),
    Refused: (422, "Unprocessable Entity"),
    Exceeded: (429, "Rate limit exceeded. Retry later."),
    NotOffered: (501, "Not Implemented"),
    Busy: (503, "Service Unavailable"),
}
"""Status and message of every error that may travel; the code is the error's own."""

WHOLE = "dayfill.whole"
"""Where a request's scope may hold ``(status, headers, body) -> bool``: sends an answer in one piece, if it can."""
LONGEST_DESCRIPTION = 2_048
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
"""A Host header that may stand in an address that we give."""
_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True):
    """What a handler gives. ``meta`` joins request_id in a wrapped answer; ``data`` None with 204 is an empty body.

    stream: the pieces of a body that is sent as it comes, in place of data. act: what a writing handler has done, for
    the audit log. kept: what a replay gives in place of data, where that is shown once and stored nowhere.

    A Struct and no frozen dataclass, which takes ten times as long to make, for each request.
    """

    status: int
    data: object
    wrapped: bool = True
    headers: Mapping[str, str] = {}
    meta: Mapping[str, object] = {}
    stream: AsyncGenerator[bytes, None] | None = None
    act: Act | None = None
    kept: object = None


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a verb that needs no words."""


@dataclass(slots=True)
class Call:
    """One request of a caller who may make it.

    teams: all that it may reach, at least one; more than one only if the path names none. path, texts: the ids of the
    path that are numbers, and those that are not.
    """

    server: Server
    route: Route
    caller: Caller
    teams: tuple[int, ...]
    request_id: str
    path: Mapping[str, int]
    texts: Mapping[str, str]
    body: bytes
    scope: Mapping[str, Any]
    mount: str = ""

    @property
    def team_id(self) -> int:
        """The team of the path; where it names none, the oldest one that allows the request."""
        return self.teams[0]

    @property
    def query(self) -> QueryParams:
        return QueryParams(self.scope["query_string"])

    @property
    def headers(self) -> Headers:
        return Headers(raw=self.scope["headers"])

    @property
    def address(self) -> str:
        """Where the request came from."""
        return address_of(self.scope, self.server.trusted_proxies)

    @property
    def actor(self) -> Actor:
        """Who asks, for the audit log."""
        return Actor("key", self.caller.user_id, self.caller.key_id, self.address, self.request_id)

    @property
    def base_url(self) -> str:
        """Scheme, host and mount by which the caller came, without a slash at the end."""
        address, port = self.scope.get("server") or ("127.0.0.1", None)
        host = self.headers.get("host", "")
        if len(host) > 255 or not _HOST.fullmatch(host):
            host = f"{address}:{port}"
        return f"{self.scope['scheme']}://{host}{self.mount}"

    def document(self) -> Any:
        """The body's JSON value; no body at all is an empty object.

        Raises:
            Malformed: see `bodies.parse`.
        """
        return bodies.parse(self.body, self.route.most_keys) if self.body else {}

    def decode(self, type_: type[Body], leave_out: Collection[str] = ()) -> Body:
        """The body as this type, without any coercion; ``leave_out`` are keys that the type need not know.

        Raises:
            Malformed: not JSON, or not of this shape; the sentence names the field.
        """
        document = self.document()
        if isinstance(document, dict):
            # A key may travel in the body (see auth); it is no part of any resource.
            document = {n: value for n, value in document.items() if n != "api_key" and n not in leave_out}
        try:
            return msgspec.convert(document, type_)
        except msgspec.ValidationError as error:
            raise Malformed(f"Request body: {_said(error, type_)}. See /openapi.yaml for what it may hold.") from None


def _said(error: msgspec.ValidationError, type_: type) -> str:
    """The library's sentence; where it only says that a choice is wrong, with the choices that there are."""
    sentence, at, place = str(error).rpartition(" - at `$.")
    field = re.split(r"\W", place, maxsplit=1)[0]
    if not sentence.startswith("Invalid enum value") or field not in type_.__annotations__:
        return str(error)
    choices = ", ".join(sorted(_choices(get_type_hints(type_)[field])))
    return f"{sentence}, choose from {choices}{at}{place}" if choices else str(error)


def _choices(kind: Any) -> set[str]:
    """The texts of the Literals in a type."""
    if isinstance(kind, str):
        return {kind}
    return {text for part in get_args(kind) for text in _choices(part)}


Handler = Callable[..., Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: who may call it, and what answers.

    path: below the mounts, ids as ``{team_id}``; only ``/x/...`` is at the root alone. handler: ``(call)``, or
    ``(call, tx)`` if it writes; the transaction is opened and committed around it, with the Idempotency-Key and the
    row of the audit log. tries: it changes nothing but reaches out, and so has a row and heeds the key as well.
    kept: its answer may be kept for the key; rows of a source must not get into the state.
    watched: it is about who gets in, or about the secrets of a destination, so vain attempts have a row too.
    most_keys: of the objects in its body.

    Raises:
        ValueError: a scope or permission that does not exist.
    """

    method: str
    path: str
    handler: Handler
    scope: str | None
    permission: Permission
    writes: bool = False
    tries: bool = False
    kept: bool = True
    watched: bool = False
    most_keys: int = bodies.MAX_KEYS

    def __post_init__(self) -> None:
        if self.scope is not None and self.scope not in SCOPES:
            raise ValueError(f"{self.method} {self.path}: there is no scope {self.scope!r}")
        if not isinstance(self.permission, Permission):
            raise ValueError(f"{self.method} {self.path}: {self.permission!r} is not a permission")


def new_request_id(seams: Seams) -> str:
    """A UUID of version 7 in upper case: sorts by time."""
    millis = int(seams.now().timestamp() * 1000)
    # Only to tell requests apart, so plain chance is enough: 12 bits behind the version, 62 behind the variant.
    chance = seams.chance.getrandbits(74)
    low = 0x8000_0000_0000_0000 | chance & 0x3FFF_FFFF_FFFF_FFFF
    parts = (millis >> 16, millis & 0xFFFF, chance >> 62, low >> 48, low & 0xFFFF_FFFF_FFFF)
    return "%08X-%04X-7%03X-%04X-%012X" % parts  # noqa: UP031  half of what an f-string takes


def stamp(instant: datetime) -> str:
    """An instant in UTC as the wire writes it: whole seconds and a Z."""
    parts = (instant.year, instant.month, instant.day, instant.hour, instant.minute, instant.second)
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % parts  # noqa: UP031  half of what isoformat takes, three times an answer


def stamp_or_none(instant: datetime | None) -> str | None:
    return None if instant is None else stamp(instant)


def render(answer: Answer, request_id: str) -> bytes:
    """The body of an answer."""
    if answer.status == 204:  # a number: a member of HTTPStatus costs a call, and this is asked for each answer
        return b""
    if isinstance(answer.data, bytes):
        return answer.data
    if not answer.wrapped:
        return _encode(answer.data)
    data = _encode(answer.data)
    if not answer.meta:
        return b'{"meta":{"request_id":"%b"},"data":%b}' % (request_id.encode(), data)
    return b'{"meta":%b,"data":%b}' % (_encode({"request_id": request_id, **answer.meta}), data)


def failure(
    status: int, code: str, message: str, description: str, headers: Mapping[str, str], request_id: str
) -> Answer:
    """An error answer."""
    error = {"code": code, "message": message, "description": description[:LONGEST_DESCRIPTION]}
    return Answer(status, {"meta": {"request_id": request_id}, "error": error}, wrapped=False, headers=headers)


def refusal(error: RequestError, request_id: str) -> Answer:
    """The answer to an error that was raised on purpose."""
    status, message = ERRORS[type(error)]
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None or status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(error.retry_after or 1)
    return failure(status, error.code, message, error.description, headers, request_id)
