"""The official SDK, sync and async alike, against an installation that answers on a socket of 127.0.0.1."""

from __future__ import annotations

import asyncio
import inspect
import operator
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from supermetrics import SupermetricsAsyncClient, SupermetricsClient

from installation import Installation
from served import served

KINDS = ("sync", "async")


class Sdk:
    """Calls a method of the SDK by its name; the sync client runs in a thread, so the server can answer it."""

    def __init__(self, kind: str, url: str, key: str) -> None:
        client = SupermetricsClient if kind == "sync" else SupermetricsAsyncClient
        self._client: Any = client(api_key=key, base_url=url)

    async def __call__(self, method: str, *arguments: Any, **named: Any) -> Any:
        function = operator.attrgetter(method)(self._client)
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
