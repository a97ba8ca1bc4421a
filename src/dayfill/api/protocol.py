"""uvicorn's HTTP protocol, with everything that is said in one turn of the event loop sent at its end.

A write wakes the reading end, and on a small answer that costs more than making it. Head and body go out together,
and the answers of one turn right after each other, so that a client with several connections is woken once. An answer
that is there as a whole takes a short way past uvicorn, which takes it in two parts and looks at every header.
Clients that are slow on purpose neither stay nor use up the files that the process may open: a warehouse needs them.
What never becomes a request is refused here, in the words of every other refusal, and its connection is closed: of what
comes after it nobody knows where it begins.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from dayfill.api import bodies
from dayfill.api.traffic import UNREAD, Trace, Traffic
from dayfill.api.wire import WHOLE, failure, new_request_id, render
from dayfill.seams import Seams

IDLE_SECONDS = 30.0
"""How long a connection may be kept without a request."""
HEAD_SECONDS = 10.0
"""How long the head of a request may take to arrive; half as long again may pass before that is seen."""
MAX_HEAD_BYTES = 32 * 1024
"""Target, names and values of the headers, and four bytes for each of these: a line's colon, space and end."""
FIRST_LINE_BYTES = 64
"""More than the first line has beside its target."""
MOST_MESSAGE_BYTES = 8 * bodies.MAX_BODY_BYTES
"""Of a request with all that may follow its body; that was refused long before, if it is too large itself."""
MOST_CONNECTIONS = 10_000


class Gathering:
    """A transport that sends what was written in one turn of the event loop as one piece, after that turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self.is_closing = transport.is_closing  # asked once for each answer, so not by way of __getattr__

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(data)

    def flush(self) -> None:
        """Send what waits; a connection that was lost meanwhile has nobody left to read it."""
        waiting, self._waiting = self._waiting, []
        if waiting and not self.is_closing():
            self._transport.write(b"".join(waiting))

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Nowhere(list[tuple[bytes, bytes]]):
    """Takes headers and keeps none."""

    def append(self, _header: tuple[bytes, bytes]) -> None:
        pass


_NOWHERE = _Nowhere()


class HeadTooLarge(Exception):
    """The head of a request is longer than it may be."""


class Protocol(HttpToolsProtocol):
    """One connection; ``partial(Protocol, seams=..., traffic=...)`` is for ``uvicorn.Config(http=...)``."""

    _watch: asyncio.TimerHandle | None = None
    _arriving_since: float | None = None
    """When the message that arrives began; None between two."""
    _idle_since: float | None = None
    """When the last answer ended; None while there is another to give."""
    _in_head = False
    _head_bytes = 0
    """Bytes of a head that has not ended, as far as it is certain that they are its own."""
    _message_bytes = 0
    _piece_bytes = _unshared_bytes = 0
    """Of what has just come, and as many of them as may be those of the next head."""
    _is_refused = False

    def __init__(self, *args: Any, seams: Seams, traffic: Traffic, **more: Any) -> None:
        super().__init__(*args, **more)
        self._seams, self._traffic = seams, traffic

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = Gathering(transport, self.loop)  # type: ignore[assignment]
        if len(self.connections) > _most_connections():
            transport.abort()
            return
        self._began = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._piece_bytes = self._unshared_bytes = len(data)
        self._message_bytes += len(data)
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._arriving_since is not None and self._message_bytes > MOST_MESSAGE_BYTES:
            self.transport.abort()
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES + FIRST_LINE_BYTES:
            self._refuse_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = self._message_bytes = self._unshared_bytes
        self._arriving_since = self.loop.time()
        self._idle_since = None
        self._in_head = True

    def on_headers_complete(self) -> None:
        if max(self._head_bytes, self._piece_bytes) > MAX_HEAD_BYTES and self._size_of_head() > MAX_HEAD_BYTES:
            raise HeadTooLarge
        self._in_head = False
        super().on_headers_complete()
        # What follows a body in chunks is no header: a proxy that looks after X-Forwarded-For does not look there.
        self.headers = _NOWHERE
        # Without the cycle in it, which knows its scope: what ends in a circle waits for the garbage collection.
        self.scope[WHOLE] = self._send_whole  # type: ignore[literal-required]

    def _send_whole(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send an answer at once, its headers as they are; False, and nothing, where more is to be heeded than that."""
        cycle = self.cycle
        # While another request waits for its turn in the pipeline, `cycle` is that one's.
        if self.pipeline or cycle.disconnected or not cycle.keep_alive or cycle.scope["method"] == "HEAD":
            return False
        if self.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        lines = [b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)]
        self.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
        cycle.on_response()
        return True

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        # As there, but for its timer, which costs each request what `_look` does at no cost.
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()
        self.flow.resume_reading()

    def on_message_complete(self) -> None:
        self._arriving_since = None
        self._unshared_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """uvicorn's answer to what its parser refuses, or to what a method here raises in the middle of it."""
        if self._in_head and self._size_of_head() > MAX_HEAD_BYTES:
            self._refuse_head()
        else:
            said = "This is not a request of HTTP/1.1. Check the client: https may have met a port of http."
            self._refuse(400, "INVALID_PARAMETER", "Invalid Parameter", said)

    def _size_of_head(self) -> int:
        return len(self.url) + 4 + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse_head(self) -> None:
        said = f"Target and headers of a request may have {MAX_HEAD_BYTES:,} bytes. Shorten them, or POST a long query."
        self._refuse(431, "HEADERS_TOO_LARGE", "Request Header Fields Too Large", said)

    def _refuse(self, status: int, code: str, message: str, description: str) -> None:
        self._is_refused = True
        if not self._awaits_an_answer():
            request_id = new_request_id(self._seams)
            body = render(failure(status, code, message, description, {}, request_id), request_id)
            head = (
                f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nx-request-id: {request_id}\r\n"
                "access-control-allow-origin: *\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
            since = self._began if self._arriving_since is None else self._arriving_since
            self._traffic.answered(Trace(request_id), UNREAD, status, self.loop.time() - since)
        self.transport.close()

    def _awaits_an_answer(self) -> bool:
        """Whether what is written now would be taken for the answer to another request, or for a second one."""
        if self.cycle is None or (self.cycle.response_complete and self._in_head):
            return False
        is_its_own = self._arriving_since is not None and not self._in_head and not self.pipeline
        return not is_its_own or self.cycle.response_started

    def _look(self) -> None:
        # One timer a connection and none a request, which would cost each of them.
        self._watch = self.loop.call_later(HEAD_SECONDS / 2, self._look)
        seconds = self.loop.time() - (self._arriving_since or self._began)
        if self._is_refused:
            self.transport.abort()  # it does not even read its refusal
        elif self._idle_since is not None and self.loop.time() - self._idle_since >= IDLE_SECONDS:
            self.transport.close()
        elif self._in_head and seconds >= HEAD_SECONDS:
            said = f"The head of a request must arrive within {HEAD_SECONDS:g} s. Send it again, in one piece."
            self._refuse(408, "REQUEST_TIMEOUT", "Request Timeout", said)
        elif (self.cycle is None and seconds >= HEAD_SECONDS) or (
            # Long after `bodies.BODY_SECONDS`, when whoever reads the body has answered.
            self._arriving_since is not None and seconds >= 2 * HEAD_SECONDS + bodies.BODY_SECONDS
        ):
            self.transport.abort()


def _most_connections() -> int:
    """Half of the files that the process may open; accepting the last of them would take them from the loads."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, files // 2)
