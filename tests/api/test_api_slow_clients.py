"""Clients that send slowly or hold many connections are let go; the others are answered."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from functools import partial

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from dayfill.api import bodies, protocol
from dayfill.api.traffic import Traffic
from dayfill.seams import system_seams

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        http = partial(protocol.Protocol, seams=system_seams(), traffic=Traffic())
        config = uvicorn.Config(_application, http=http, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


async def _ended(reader: asyncio.StreamReader) -> bool:
    """Waits for the server to let go."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"])
async def test_a_request_that_never_arrives_ends_its_connection(
    port: int, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing at all, and a body that nobody who reads it gives up on."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(20):
        assert await _ended(reader)
    writer.close()


async def test_an_idle_connection_that_was_answered_stays(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.0)
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.0)
    looks = asyncio.Event()
    look, seen = protocol.Protocol._look, []

    def counting(self: protocol.Protocol) -> None:
        self._began = self.loop.time() + 60
        if self.cycle is not None and self._arriving_since is None:
            seen.append(self)
            if len(seen) > 3:
                looks.set()
        look(self)

    monkeypatch.setattr(protocol.Protocol, "_look", counting)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(REQUEST)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        async with asyncio.timeout(20):
            await looks.wait()
    writer.close()


async def test_a_connection_without_requests_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an answer, by the look that is due anyway: no timer is set for a request."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(protocol, "IDLE_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
    async with asyncio.timeout(20):
        assert await _ended(reader)
    writer.close()


async def test_connections_beyond_half_of_the_open_files_are_turned_away(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (8, 8))
    kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
    for reader, writer in kept:
        writer.write(REQUEST)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(20):
        assert await _ended(reader)
    for _, other in [*kept, (reader, writer)]:
        other.close()
