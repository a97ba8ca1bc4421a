"""Draws requests of the second team: as they should be, almost so, and hostile; ids of the first in every place."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, unquote

import hostile
import msgspec
from route_samples import TEXTS, written
from two_teams import FIRST, THEIR_QUERY, Teams

from dayfill.api.routes import PUBLIC, ROUTES
from dayfill.api.routing import MOUNTS
from dayfill.api.wire import Route
from openapi_check import DOCUMENT, resolve

SLOW = ("test-connection", "/query/data", "/events")
"""Parts of the routes that open a warehouse or a source, or stream: asked less often."""
ABSENT = 8_999_999
_decode = msgspec.json.decode


@dataclass(slots=True)
class Request:
    """One request as an ASGI server would hand it over. is_refused_path: it hides a slash or a NUL."""

    method: str
    raw_path: str
    query: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    @property
    def path(self) -> str:
        return unquote(self.raw_path)

    @property
    def is_refused_path(self) -> bool:
        lower = self.raw_path.lower()
        return "%2f" in lower or "%00" in lower

    def scope(self) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.raw_path.encode(),
            "root_path": "",
            "query_string": self.query,
            "headers": self.headers,
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8484),
        }


@dataclass(frozen=True, slots=True)
class Aim:
    """An operation with a correct request: the ids of its path, its query, its body as JSON.

    names: its parameters. status: promised for the correct request.
    """

    route: Route
    ids: dict[str, str]
    query: tuple[tuple[str, str], ...]
    body: bytes
    names: tuple[str, ...]
    status: int


class Draw:
    """The requests of one chapter."""

    def __init__(self, chance: Random, teams: Teams) -> None:
        self._chance, self._teams = chance, teams
        self._keys = [b"Bearer " + key.encode() for key in teams.others]
        self._owner = b"Bearer " + teams.owner.encode()
        self._theirs = [*teams.first.ids.values(), THEIR_QUERY]
        self.aims = [self._aim(route) for route in ROUTES]
        self._weights = [
            0.05 if _ends(aim.route) or any(part in aim.route.path for part in SLOW) else 1.0 for aim in self.aims
        ]

    def correct(self, backwards: bool = False) -> list[Request]:
        """One correct request of the owner for every route; what ends things comes last.

        One may exclude another (two backfills of the same days), so each order lets in what the other does not.
        """
        aims = sorted(self.aims[:: -1 if backwards else 1], key=lambda aim: _ends(aim.route))
        return [
            Request(a.route.method, _filled(a.route.path, a.ids), _query(a.query), self._headers(self._owner), a.body)
            for a in aims
        ]

    def any(self) -> Request:
        """One request."""
        chance = self._chance
        if chance.random() < 0.02:
            return Request("GET", chance.choice([*PUBLIC, "/", "/teams", "/nothing"]))
        [aim] = chance.choices(self.aims, self._weights)
        method = aim.route.method if chance.random() < 0.93 else chance.choice(hostile.METHODS)
        request = Request(method, self._path(aim), self._query_of(aim), self._all_headers(), b"")
        if method not in ("GET", "HEAD") or chance.random() < 0.02:
            request.body = self._body(aim)
        return request

    def _aim(self, route: Route) -> Aim:
        world = self._teams.second
        sample = world.sample(route)
        own = world.ids | {name: world.ids[there] for name, there in sample.ids.items()}
        every = TEXTS | {name: written(name, id_) for name, id_ in own.items()}
        ids = {name: str(value) for name, value in every.items() if "{" + name + "}" in route.path}
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        names = [resolve(parameter)["name"] for parameter in operation.get("parameters", [])]
        body = b"" if sample.body is None else json.dumps(sample.body).encode()
        query = tuple((name, str(value)) for name, value in sample.query.items())
        return Aim(route, ids, query, body, (*names, "limit", "unknown"), sample.status)

    # -- the path

    def _path(self, aim: Aim) -> str:
        chance = self._chance
        path = _filled(aim.route.path, {name: self._id(name, own) for name, own in aim.ids.items()})
        if not path.startswith("/x/") and chance.random() < 0.3:
            path = chance.choice(MOUNTS) + path
        elif chance.random() < 0.01:
            path = chance.choice(hostile.MOUNTS) + path
        if chance.random() < 0.05:
            path = self._spoiled(path)
        return path

    def _id(self, name: str, own: str) -> str:
        place = self._chance.random()
        if place < 0.75:
            return own
        if place < 0.87:
            named = self._teams.first.ids.get(name, FIRST)
            return written(name, named if place < 0.84 else self._chance.choice(list(self._teams.first.ids.values())))
        if place < 0.92:
            return written(name, self._chance.choice((ABSENT, FIRST, *self._teams.second.ids.values())))
        return self._chance.choice(hostile.IDS)

    def _spoiled(self, path: str) -> str:
        chance, at = self._chance, [n for n, letter in enumerate(path) if letter == "/"]
        match chance.randrange(4):
            case 0:
                cut = chance.choice(at)
                return path[:cut] + chance.choice(hostile.PATHS) + path[cut + 1 :]
            case 1:
                return path + chance.choice(hostile.TAILS)
            case 2:
                return path.swapcase() if chance.random() < 0.5 else path[: chance.choice(at)] or "/"
            case _:
                cut = chance.randrange(1, len(path))
                return path if path[cut] == "%" else f"{path[:cut]}%{ord(path[cut]):02X}{path[cut + 1 :]}"

    # -- the query

    def _query_of(self, aim: Aim) -> bytes:
        chance = self._chance
        if chance.random() < 0.02:
            return chance.choice(hostile.QUERIES)
        pairs = list(aim.query)
        if chance.random() < 0.5:
            return _query(pairs)
        for _ in range(chance.choice((1, 1, 2, 3))):
            name = chance.choice(aim.names)
            known = [n for n, (other, _) in enumerate(pairs) if other == name]
            if known and chance.random() < 0.7:
                pairs[known[0]] = (name, self._text())
            elif pairs and chance.random() < 0.2:
                pairs.pop(chance.randrange(len(pairs)))
            else:
                pairs.append((name, self._text()))
        return _query(pairs)

    def _text(self) -> str:
        chance = self._chance
        if chance.random() < 0.3:
            return str(chance.choice(self._theirs))
        return str(chance.choice(hostile.TEXTS if chance.random() < 0.6 else hostile.NUMBERS))

    # -- the body

    def _body(self, aim: Aim) -> bytes:
        chance = self._chance
        place = chance.random()
        if place < 0.06:
            return chance.choice(hostile.BODIES)
        if place < 0.3:
            return aim.body
        document = _decode(aim.body) if aim.body else {}
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            document = self._changed(document)
        if place < 0.33 and isinstance(document, dict):
            document["api_key"] = chance.choice([self._teams.owner, *self._teams.others, "api_x", 1])
        return json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")

    def _changed(self, value: Any) -> Any:
        """The document with one of its parts replaced, left out, doubled or added."""
        chance = self._chance
        if not isinstance(value, dict | list) or not value or chance.random() < 0.03:
            return self._value()
        key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
        place = chance.random()
        if isinstance(value[key], dict | list) and value[key] and place < 0.6:
            value[key] = self._changed(value[key])
        elif place < 0.75:
            value[key] = self._value()
        elif place < 0.85:
            del value[key]
        elif isinstance(value, dict):
            value[chance.choice(("x", "team_id", "user_id", "status", *self._teams.first.ids, ""))] = self._value()
        else:
            value.append(chance.choice(value))
        return value

    def _value(self) -> Any:
        chance = self._chance
        if chance.random() < 0.25:
            theirs = chance.choice(self._theirs)
            return theirs if chance.random() < 0.8 else str(theirs)
        return (
            _decode(msgspec.json.encode(one)) if isinstance(one := chance.choice(hostile.VALUES), dict | list) else one
        )

    # -- the headers

    def _headers(self, authorization: bytes) -> list[tuple[bytes, bytes]]:
        return [(b"host", b"127.0.0.1:8484"), (b"authorization", authorization)]

    def _all_headers(self) -> list[tuple[bytes, bytes]]:
        chance = self._chance
        place = chance.random()
        authorization = self._owner
        if place < 0.12:
            authorization = chance.choice(self._keys)
        elif place < 0.16:
            authorization = chance.choice(hostile.AUTHORIZATIONS)
        headers = self._headers(authorization)
        if place > 0.98:
            headers.pop()
        if chance.random() < 0.2:
            headers.append((b"idempotency-key", chance.choice(hostile.IDEMPOTENCY)))
        if chance.random() < 0.1:
            headers.append((b"x-team-id", str(self._teams.first.ids["team_id"]).encode()))
        if chance.random() < 0.08:
            headers.insert(chance.randrange(len(headers) + 1), chance.choice(hostile.HEADERS))
        return headers


def _ends(route: Route) -> bool:
    """Whether nothing can be done any more with the object afterwards."""
    return route.method in ("DELETE", "PATCH") or route.path.endswith("/close")


def _filled(template: str, ids: dict[str, str]) -> str:
    for name, text in ids.items():
        template = template.replace("{" + name + "}", text)
    return template


def _query(pairs: Any) -> bytes:
    return "&".join(f"{name}={quote(text, safe='', errors='replace')}" for name, text in pairs).encode()
