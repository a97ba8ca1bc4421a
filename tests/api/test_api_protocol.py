"""Answers leave in one piece, whole and in order, whatever their kind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from functools import partial

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from dayfill.api.protocol import MOST_MESSAGE_BYTES, Gathering, Protocol
from dayfill.api.traffic import Traffic
from dayfill.api.wire import WHOLE
from dayfill.seams import system_seams


class Wire(asyncio.Transport):
    """Keeps what was written, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.written.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    """/empty: 204. /stream: three chunks. Everything else: its own path; /whole... in one piece, where that can be."""
    path = scope["path"]
    if path == "/empty":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    if path == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for chunk in (b"HTTP/1.1 is no head here", b"two", b"three"):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    if scope["method"] == "POST":
        while (message := await receive()).get("more_body"):
            path += message["body"].decode()
        path += message["body"].decode()
    if path.startswith("/headers"):
        path = str(dict(scope["headers"]))
    headers = [(b"content-length", str(len(path)).encode())]
    if path.startswith("/whole") and scope[WHOLE](200, [*headers, (b"x-way", b"short")], path.encode()):
        return
    await send({"type": "http.response.start", "status": 404 if path == "/absent" else 200, "headers": headers})
    await send({"type": "http.response.body", "body": path.encode()})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        http = partial(Protocol, seams=system_seams(), traffic=Traffic())
        server = uvicorn.Server(uvicorn.Config(_application, http=http, lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


async def _said(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def _request(path: str, method: str = "GET", close: bool = True, extra: str = "", body: str = "") -> bytes:
    last = "Connection: close\r\n" if close else ""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{last}{extra}\r\n{body}".encode()


@pytest.mark.parametrize(("path", "status"), [("/there", b"200"), ("/absent", b"404")])
async def test_head_and_body_come_whole(port: int, path: str, status: bytes) -> None:
    answer = await _said(port, _request(path))
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.endswith(b"\r\n\r\n" + path.encode())


async def test_an_answer_without_a_body_is_not_held_back(port: int) -> None:
    assert (await _said(port, _request("/empty"))).startswith(b"HTTP/1.1 204")
    head = await _said(port, _request("/there", method="HEAD"))
    assert head.startswith(b"HTTP/1.1 200")
    assert head.endswith(b"\r\n\r\n")


async def test_the_short_way_says_what_the_long_way_says_and_is_taken_where_it_can_be(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request("/whole", close=False))
    short = _lines(await reader.readuntil(b"/whole"))
    writer.close()
    assert short - {b"x-way: short"} == _lines(await _said(port, _request("/whole"))) - {b"connection: close"}
    assert b"x-way: short" in short
    assert (await _said(port, _request("/whole", "HEAD", close=False) + _request("/there"))).count(b"/whole") == 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(_request(path, close=False) for path in ("/whole0", "/whole1", "/end")))
    answer = await asyncio.wait_for(reader.readuntil(b"/end"), 10)
    writer.close()
    assert [answer.count(b"HTTP/1.1 200"), answer.count(b"x-way: short")] == [3, 0]
    assert answer.index(b"/whole0") < answer.index(b"/whole1")


def _lines(answer: bytes) -> set[bytes]:
    return {line for line in answer.split(b"\r\n") if not line.startswith(b"date:")}


async def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    answer = await _said(port, _request("/one", close=False) + _request("/two", close=False) + _request("/three"))
    assert [answer.count(b"HTTP/1.1 200"), answer.index(b"/one") < answer.index(b"/two") < answer.index(b"/three")] == [
        3,
        True,
    ]


async def test_chunks_of_a_stream_all_arrive(port: int) -> None:
    answer = await _said(port, _request("/stream"))
    assert answer.endswith(b"\r\n18\r\nHTTP/1.1 is no head here\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n")


async def test_a_client_that_waits_for_100_continue_gets_it(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request("/body", method="POST", extra="Content-Length: 3\r\nExpect: 100-continue\r\n"))
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 100")
    writer.write(b"abc")
    assert (await asyncio.wait_for(reader.read(), 10)).endswith(b"/bodyabc")
    writer.close()


async def test_what_follows_a_body_is_no_header(port: int) -> None:
    chunks = "2\r\n/x\r\n0\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n"
    extra = "X-Seen: 1\r\nTransfer-Encoding: chunked\r\n"
    answer = await _said(port, _request("/headers", method="POST", extra=extra, body=chunks))
    assert b"x-seen" in answer and b"x-forwarded-for" not in answer


@pytest.mark.parametrize("endless", [b"A: " + b"a" * 1_000 + b"\r\n", b"a" * 1_000])
async def test_what_follows_a_body_without_an_end_ends_its_connection(port: int, endless: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request("/x", "POST", False, "Transfer-Encoding: chunked\r\n", "2\r\n/x\r\n0\r\nA: "))
    with pytest.raises(ConnectionError):
        for _ in range(2 * MOST_MESSAGE_BYTES // len(endless)):
            writer.write(endless)
            await writer.drain()
    writer.close()


async def test_what_is_said_in_one_turn_is_one_write_and_nothing_is_lost_at_the_end() -> None:
    wire = Wire()
    gathering = Gathering(wire, asyncio.get_running_loop())
    gathering.write(b"head ")
    gathering.write(b"body")
    assert wire.written == []
    await asyncio.sleep(0)
    assert wire.written == [b"head body"]
    gathering.write(b"last")
    gathering.close()
    assert (wire.written, wire.is_closed) == ([b"head body", b"last"], True)
    gathering.write(b"to nobody")
    await asyncio.sleep(0)
    assert len(wire.written) == 2
