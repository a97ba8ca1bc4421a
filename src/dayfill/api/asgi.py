"""The ASGI application: from an HTTP request to a handler and back, with the checks in the contract's order.

Plain ASGI, with Starlette's header and query types but not its routing, Request or Response: on a GET of a backfill
those would cost as much again as all of this, and the whole request is to stay near the price of static bytes.
"""

from __future__ import annotations

import asyncio

import structlog
from starlette.types import Receive, Scope, Send

from dayfill.api import bodies, repeats, routing
from dayfill.api.auth import allowing, authenticate, authorize, check_use
from dayfill.api.bodies import MAX_BODY_BYTES
from dayfill.api.limits import SHOWN, headers_of
from dayfill.api.refusals import Refusals
from dayfill.api.routes import PUBLIC, ROUTES
from dayfill.api.server import Server
from dayfill.api.traffic import Trace, current
from dayfill.api.wire import WHOLE, Answer, Call, Route, failure, new_request_id, refusal, render
from dayfill.domain.access import Caller
from dayfill.errors import Denied, Malformed, Refused, RequestError, Unauthenticated

log = structlog.get_logger()

_TREE = routing.tree(ROUTES)
_JSON = (b"content-type", b"application/json")
_ANY_ORIGIN = (b"access-control-allow-origin", b"*")
_ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, Sm-App-Id, X-Team-ID"


class TooLarge(Exception):
    """The body is longer than a request may be."""


class TooSlow(Exception):
    """The body takes longer to arrive than it may."""


class Api:
    """The wire of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._tree = _TREE
        self._refusals = Refusals(server.seams.monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _no_request(scope, receive, send)
            return
        seams = self._server.seams
        trace, began = Trace(new_request_id(seams)), seams.monotonic()
        token = current.set(trace.request_id)
        try:
            answer = await self._answer(scope, receive, trace)
            if answer.stream is None:
                await _send(send, answer, trace.request_id, scope)
            self._server.traffic.answered(trace, scope["method"], answer.status, seams.monotonic() - began)
            if answer.stream is not None:
                await _send_stream(scope, receive, send, answer, trace.request_id)
        finally:
            current.reset(token)

    async def _answer(self, scope: Scope, receive: Receive, trace: Trace) -> Answer:
        request_id = trace.request_id
        try:
            return await self._dispatch(scope, receive, trace)
        except RequestError as error:
            return refusal(error, request_id)
        except TooLarge:
            description = f"A request body may have {MAX_BODY_BYTES} bytes. Send it in parts."
            return failure(413, "PAYLOAD_TOO_LARGE", "Payload Too Large", description, {}, request_id)
        except TooSlow:
            description = (
                f"The body of a request must arrive within {bodies.BODY_SECONDS:g} s. Send it again, faster or smaller."
            )
            headers = {"Connection": "close"}
            return failure(408, "REQUEST_TIMEOUT", "Request Timeout", description, headers, request_id)
        except Exception:
            # The path only: a query string may carry a key.
            log.exception("request failed", request_id=request_id, method=scope["method"], path=scope["path"])
            description = f"The server's log has the cause: tell its operator the request id {request_id}."
            return failure(500, "INTERNAL_SERVER_ERROR", "Internal Server Error", description, {}, request_id)

    async def _dispatch(self, scope: Scope, receive: Receive, trace: Trace) -> Answer:
        limits = self._server.limits
        if scope["path"] not in PUBLIC:
            limits.arrive(scope)
        match = None if _hides(scope.get("raw_path") or b"") else routing.find(self._tree, scope["path"])
        if match is None:
            return await self._without_key(scope, trace)
        trace.route = match.template
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        route = match.routes.get(method)
        if route is None:
            return _other_method(method, tuple(match.routes), trace.request_id)
        body = b"" if method == "GET" else await _read(scope, receive)
        caller = await self._caller(scope, body, trace)
        limits.ask(scope, caller.key_id)
        trace.team_id = team_id = _first_team(caller, match)
        if team_id in caller.roles:
            limits.ask_team(scope, team_id, caller.key_id)
        call = Call(self._server, route, caller, (team_id,), trace.request_id, {}, {}, body, scope, match.mount)
        return await self._let_in(call, match, team_id)

    async def _caller(self, scope: Scope, body: bytes, trace: Trace) -> Caller:
        server = self._server
        try:
            credential = await authenticate(server, scope, body)
            trace.key_id = key_id = credential.caller.key_id
            check_use(server, scope, credential)
        except (Unauthenticated, Denied) as error:
            raise server.limits.refuse(scope, error) from None
        server.used_keys.add(key_id)
        return credential.caller

    async def _let_in(self, call: Call, match: routing.Match, team_id: int) -> Answer:
        route = call.route
        try:
            call.teams = _teams(call.caller, route, match, team_id)
            call.path, call.texts = match.ids(), match.texts()
            if route.writes:
                return await repeats.change(route, call, match.path)
            if route.kept and route.method != "GET":
                return await repeats.attempt(route, call, match.path)
            return await route.handler(call)
        except (Denied, Refused) as error:
            await self._refusals.note(call, match.path, error)
            raise

    async def _without_key(self, scope: Scope, trace: Trace) -> Answer:
        handler, request_id = PUBLIC.get(scope["path"]), trace.request_id
        if handler is None:
            description = "There is nothing at this path; /openapi.yaml lists what there is."
            return failure(404, "NOT_FOUND", "Not Found", description, {}, request_id)
        trace.route = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            return _other_method(scope["method"], ("GET",), request_id)
        return await handler(self._server)


def _first_team(caller: Caller, match: routing.Match) -> int:
    """The team that the path names, or the caller's oldest; 0 if there is none."""
    if match.names[:1] == ("team_id",):
        return routing.identifier("team_id", match.values[0])
    return min(caller.roles, default=0)


def _teams(caller: Caller, route: Route, match: routing.Match, team_id: int) -> tuple[int, ...]:
    """The teams that a request may reach: the one that its path names, or else all where the caller may do it."""
    if match.names[:1] != ("team_id",):
        return allowing(caller, route)
    authorize(caller, route, team_id)
    return (team_id,)


def _hides(raw_path: bytes) -> bool:
    """Whether an encoded slash or NUL would pass for another path than a proxy before us saw."""
    return b"%" in raw_path and (b"%2f" in raw_path or b"%2F" in raw_path or b"%00" in raw_path)


def _other_method(method: str, allowed: tuple[str, ...], request_id: str) -> Answer:
    allow = ", ".join(sorted({*allowed, "OPTIONS"} | ({"HEAD"} if "GET" in allowed else set())))
    if method == "OPTIONS":
        headers = {
            "Allow": allow,
            "Access-Control-Allow-Methods": allow,
            "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
            "Access-Control-Max-Age": "86400",
        }
        return Answer(204, None, headers=headers)
    description = f"This path knows {allow}: use one of these."
    return failure(405, "METHOD_NOT_ALLOWED", "Method Not Allowed", description, {"Allow": allow}, request_id)


async def _read(scope: Scope, receive: Receive) -> bytes:
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value[:20]) > MAX_BODY_BYTES):
            raise TooLarge
    try:
        async with asyncio.timeout(bodies.BODY_SECONDS):
            return await _whole(receive)
    except TimeoutError:
        raise TooSlow from None


async def _whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            # What came so far may be a whole document by chance, and must not be acted on.
            raise Malformed("The request ended before its body did. Send it again; nothing was done.")
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge
        if not message.get("more_body", False):
            return bytes(body)


async def _send(send: Send, answer: Answer, request_id: str, scope: Scope) -> None:
    body = render(answer, request_id)
    headers = [(b"x-request-id", request_id.encode()), _ANY_ORIGIN]
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    if answer.headers:
        headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    if body and "Content-Type" not in answer.headers:
        headers.append(_JSON)
    if SHOWN in scope:
        headers += headers_of(scope[SHOWN])
    send_whole = scope.get(WHOLE)
    # Headers that a handler gave may hold what a client sent: uvicorn looks at each of them.
    if send_whole is None or answer.headers or not send_whole(answer.status, headers, body):
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _send_stream(scope: Scope, receive: Receive, send: Send, answer: Answer, request_id: str) -> None:
    """Send the pieces as they come, until there are no more or the client has gone."""
    assert answer.stream is not None
    headers = [(b"x-request-id", request_id.encode()), _ANY_ORIGIN]
    headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    if SHOWN in scope:
        headers += headers_of(scope[SHOWN])
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    gone = asyncio.ensure_future(_until_gone(receive))
    pieces = answer.stream
    try:
        while scope["method"] != "HEAD":
            piece = asyncio.ensure_future(anext(pieces, b""))
            await asyncio.wait([piece, gone], return_when=asyncio.FIRST_COMPLETED)
            if not piece.done():
                piece.cancel()
                await asyncio.wait([piece])
            elif content := piece.result():
                await send({"type": "http.response.body", "body": content, "more_body": True})
                continue
            break
    finally:
        gone.cancel()
        await pieces.aclose()
    await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _no_request(scope: Scope, receive: Receive, send: Send) -> None:
    """Nothing to start or stop here: who made the server owns what it uses. There are no websockets."""
    while scope["type"] == "lifespan":
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
    await send({"type": "websocket.close", "code": 1000})
