"""What never becomes a request is refused in the words of the contract, and nothing after it is taken for one."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from functools import partial

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from dayfill.api import bodies, protocol
from dayfill.api.asgi import Api
from dayfill.api.protocol import MAX_HEAD_BYTES, Protocol
from installation import Installation


class Listening:
    """A real server of an installation, and what arrived at its application."""

    def __init__(self, made: Installation, port: int) -> None:
        self.made = made
        self.port = port
        self.paths: list[str] = []

    async def said(self, *pieces: bytes) -> list[tuple[int, dict[str, object]]]:
        """Status and body of each answer until the server closes; pieces are sent apart."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        answers = []
        async with asyncio.timeout(20):
            while head := (await reader.readline()).split(b" "):
                if head == [b""]:
                    break
                answers.append(await self._answer(reader, int(head[1])))
        writer.close()
        return answers

    async def _answer(self, reader: asyncio.StreamReader, status: int) -> tuple[int, dict[str, object]]:
        headers = {}
        while line := (await reader.readline()).strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        assert headers["x-request-id"] == body["meta"]["request_id"] if "meta" in body else True
        assert headers["access-control-allow-origin"] == "*"
        return status, body


@pytest.fixture
async def listening(installation: Installation) -> AsyncIterator[Listening]:
    api = Api(installation.server)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Listening(installation, listener.getsockname()[1])

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            made.paths.append(scope["path"])
            await api(scope, receive, send)

        http = partial(Protocol, seams=installation.server.seams, traffic=installation.server.traffic)
        server = uvicorn.Server(uvicorn.Config(application, http=http, lifespan="off", log_config=None))  # type: ignore[arg-type]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield made
        server.should_exit = True
        await serving


def get(path: str = "/healthz", *headers: str, close: bool = True) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: x", *headers, *(["Connection: close"] if close else [])]
    return "\r\n".join([*lines, "", ""]).encode()


def post(*headers: str, body: str = "") -> bytes:
    return "\r\n".join(["POST /healthz HTTP/1.1", "Host: x", *headers, "", body]).encode()


def codes(answers: list[tuple[int, dict[str, object]]]) -> list[tuple[int, object]]:
    return [(status, body.get("error", {}).get("code")) for status, body in answers]  # type: ignore[attr-defined]


NOT_HTTP = (400, "INVALID_PARAMETER")
TOO_LARGE = (431, "HEADERS_TOO_LARGE")


def padded(size: int) -> bytes:
    """A request whose target and headers have so many bytes by the rule of `MAX_HEAD_BYTES`."""
    bare = "/healthz" + "Host" + "x" + "Connection" + "close" + "X-Pad"
    return get("/healthz", "X-Pad: " + "a" * (size - len(bare) - 4 * 4))


@pytest.mark.parametrize(("more", "answer"), [(-1, (200, None)), (0, (200, None)), (1, TOO_LARGE)])
@pytest.mark.parametrize("pieces", [1, 2, 5])
async def test_a_head_has_its_limit(listening: Listening, more: int, answer: tuple[int, object], pieces: int) -> None:
    request = padded(MAX_HEAD_BYTES + more)
    size = -(-len(request) // pieces)
    sent = [request[start : start + size] for start in range(0, len(request), size)]
    assert codes(await listening.said(*sent)) == [answer]


async def test_a_head_without_an_end_is_refused_before_it_ends(listening: Listening) -> None:
    endless = [b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Pad: "] + [b"a" * 8_192] * 5
    assert codes(await listening.said(*endless)) == [TOO_LARGE]
    assert listening.paths == []


async def test_a_large_body_is_not_taken_for_a_head(listening: Listening) -> None:
    """Also where the next head begins in the same piece as the body ends."""
    body = "x" * (2 * MAX_HEAD_BYTES)
    first = f"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    second = get()
    answers = await listening.said(first + second[:20], second[20:])
    assert codes(answers) == [(404, "NOT_FOUND"), (200, None)]


SMUGGLED = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(post("Content-Length: 0", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED), id="two lengths"),
        pytest.param(post("Content-Length: 5", "Content-Length: 5", body="hello" + SMUGGLED), id="one length twice"),
        pytest.param(post("Content-Length: 5, 5", body="hello" + SMUGGLED), id="a list of lengths"),
        pytest.param(post("Content-Length: +5", body="hello" + SMUGGLED), id="a signed length"),
        pytest.param(post("Content-Length: 0x5", body="hello" + SMUGGLED), id="a length in another base"),
        pytest.param(
            post("Content-Length: 4", "Transfer-Encoding: chunked", body="0\r\n\r\n" + SMUGGLED),
            id="length and chunked",
        ),
        pytest.param(
            post("Transfer-Encoding: chunked", "Content-Length: 4", body="0\r\n\r\n" + SMUGGLED),
            id="chunked and length",
        ),
        pytest.param(
            post("Transfer-Encoding: chunked, identity", body="0\r\n\r\n" + SMUGGLED), id="chunked is not last"
        ),
        pytest.param(post("Transfer-Encoding: xchunked", body="0\r\n\r\n" + SMUGGLED), id="an unknown encoding"),
        pytest.param(post("Transfer-Encoding : chunked", body="0\r\n\r\n" + SMUGGLED), id="a space before the colon"),
        pytest.param(post("X: a\r\n Content-Length: 5", body="hello" + SMUGGLED), id="a folded line"),
        pytest.param(post("Content-Length: 5\rX: y", body="hello" + SMUGGLED), id="a bare carriage return"),
        pytest.param(post("Transfer-Encoding: chunked", body="zz\r\n" + SMUGGLED), id="a chunk without a length"),
        pytest.param(
            post("Transfer-Encoding: chunked", body="1\r\nabc\r\n0\r\n\r\n" + SMUGGLED), id="a chunk too long"
        ),
        pytest.param(b"what is this\r\n\r\n", id="no request at all"),
        pytest.param(b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", id="no version of ours"),
        pytest.param(b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", id="a target that is no text"),
        pytest.param(get("/healthz", "X: \x00"), id="a zero in a header"),
    ],
)
async def test_a_request_with_two_readings_is_refused_and_its_connection_closed(
    listening: Listening, request_: bytes
) -> None:
    assert codes(await listening.said(request_)) == [NOT_HTTP]
    assert "/readyz" not in listening.paths


async def test_no_refusal_is_taken_for_the_answer_to_another_request(listening: Listening) -> None:
    """Neither where that one is still to be answered, nor where it has been, and its body goes on."""
    assert codes(await listening.said(get(close=False) + b"what is this\r\n\r\n")) == []
    answered = post("Transfer-Encoding: chunked").replace(b"/healthz", b"/nowhere")
    assert codes(await listening.said(answered, b"zz\r\n")) == [(404, "NOT_FOUND")]


async def test_what_follows_a_last_request_is_not_answered(listening: Listening) -> None:
    assert codes(await listening.said(get() + SMUGGLED.encode())) == [(200, None)]
    assert listening.paths == ["/healthz"]


async def test_requests_that_came_at_once_are_answered_in_turn_on_one_connection(listening: Listening) -> None:
    requests = get("/healthz", close=False) + get("/nowhere", close=False) + get("/readyz")
    assert codes(await listening.said(requests)) == [(200, None), (404, "NOT_FOUND"), (200, None)]


async def test_a_slow_head_is_answered_in_time(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    assert codes(await listening.said(b"GET /healthz HTTP/1.1\r\nHost:")) == [(408, "REQUEST_TIMEOUT")]
    assert listening.paths == []


async def test_a_slow_body_is_answered_in_time(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)
    path = f"/x/v1/teams/{listening.made.team_id}/backfills/1/pause"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".encode()
    for sent in (head, head + b'{"a":'):
        assert codes(await listening.said(sent)) == [(408, "REQUEST_TIMEOUT")]


async def test_what_is_refused_before_it_is_a_request_is_counted_and_told(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not what nobody is answered, and nothing of what it says."""
    with capture_logs() as lines:
        await listening.said(b"what is this\r\n\r\n")
        await listening.said(padded(MAX_HEAD_BYTES + 1))
        await listening.said(get(close=False) + b"what is this\r\n\r\n")
        monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
        await listening.said(b"GET /healthz HTTP/1.1\r\nHost:")
    told = [(line["method"], line["route"], line["status"]) for line in lines]
    assert told == [("unread", "none", status) for status in (400, 431, 408)]
    counted = {(method, route): series for method, route, series in listening.made.server.traffic.series()}
    refused = counted["unread", "none"]
    assert dict(refused.classes) == {4: 3} and 0.1 <= refused.seconds < 60


async def test_what_is_too_large_or_too_slow_says_what_to_do(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)  # long enough for the heads that do come, on a busy machine too
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)
    post = f"POST /teams/{listening.made.team_id}/transfers HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    for sent, remedy in (
        (padded(MAX_HEAD_BYTES + 1), "Shorten them, or POST a long query."),
        (b"GET /healthz HTTP/1.1\r\nHost:", "Send it again, in one piece."),
        ((post % 9).encode(), "Send it again, faster or smaller."),
        ((post % (bodies.MAX_BODY_BYTES + 1)).encode(), "Send it in parts."),
    ):
        ((_, body),) = await listening.said(sent)
        assert body["error"]["description"].endswith(f". {remedy}")  # type: ignore[index]


async def test_what_is_no_request_says_so_in_the_form_of_every_error(listening: Listening) -> None:
    ((_, body),) = await listening.said(b"what is this\r\n\r\n")
    assert body.keys() == {"meta", "error"}
    assert body["error"] == {
        "code": "INVALID_PARAMETER",
        "message": "Invalid Parameter",
        "description": "This is not a request of HTTP/1.1. Check the client: https may have met a port of http.",
    }
