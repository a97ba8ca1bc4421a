"""uvicorn's HTTP protocol, with everything that is said in one turn of the event loop sent at its end.

A write wakes the reading end, and on a small answer that costs more than making it. Head and body go out together,
and the answers of one turn right after each other, so that a client with several connections is woken once.
Clients that are slow on purpose neither stay nor use up the files that the process may open: a warehouse needs them.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_SECONDS = 30.0
"""How long a request may take to arrive; half as long again may pass before that is seen."""
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


class Protocol(HttpToolsProtocol):
    """One connection; for ``uvicorn.Config(http=...)``."""

    _arriving_since: float | None
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = Gathering(transport, self.loop)  # type: ignore[assignment]
        if len(self.connections) > _most_connections():
            transport.abort()
            return
        self._arriving_since = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._arriving_since = self.loop.time()

    def on_message_complete(self) -> None:
        self._arriving_since = None
        super().on_message_complete()

    def _look(self) -> None:
        # One timer a connection and none a request, which would cost each of them.
        if self._arriving_since is not None and self.loop.time() - self._arriving_since >= REQUEST_SECONDS:
            self.transport.abort()
        else:
            self._watch = self.loop.call_later(REQUEST_SECONDS / 2, self._look)


def _most_connections() -> int:
    """Half of the files that the process may open; accepting the last of them would take them from the loads."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, files // 2)
