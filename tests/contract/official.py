"""The official SDK, sync and async alike, against an installation that answers on a socket of 127.0.0.1."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from supermetrics import SupermetricsAsyncClient, SupermetricsClient

from dayfill.api.asgi import Api
from installation import Installation

KINDS = ("sync", "async")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(installation: Installation) -> AsyncIterator[str]:
    """The URL at which the installation answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = _Server(uvicorn.Config(Api(installation.server), lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve([listener]))
        await server.answers.wait()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


class Sdk:
    """Calls a method of the SDK by its name; the sync client runs in a thread, so the server can answer it."""

    def __init__(self, kind: str, url: str, key: str) -> None:
        client = SupermetricsClient if kind == "sync" else SupermetricsAsyncClient
        self._client: Any = client(api_key=key, base_url=url)

    async def __call__(self, method: str, *arguments: Any, **named: Any) -> Any:
        resource, _, name = method.partition(".")
        function = getattr(getattr(self._client, resource), name)
        if inspect.iscoroutinefunction(function):
            return await function(*arguments, **named)
        return await asyncio.to_thread(function, *arguments, **named)

    async def close(self) -> None:
        closed = self._client.close() if hasattr(self._client, "close") else None
        if inspect.isawaitable(closed):
            await closed


def methods(kind: type) -> set[str]:
    """The public methods of one of the SDK's resources."""
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


@asynccontextmanager
async def sdk(kind: str, installation: Installation, key: str | None = None) -> AsyncIterator[Sdk]:
    async with served(installation) as url:
        made = Sdk(kind, url, installation.key if key is None else key)
        try:
            yield made
        finally:
            await made.close()
