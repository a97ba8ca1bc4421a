"""An installation that answers on a socket of 127.0.0.1."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from dayfill.api.asgi import Api
from dayfill.app.http import HttpServer
from installation import Installation


@asynccontextmanager
async def served(installation: Installation, app: Any = None) -> AsyncIterator[str]:
    """The URL at which the installation answers. app: None is its API."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = HttpServer(uvicorn.Config(app or Api(installation.server), lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve([listener]))
        await server.answers.wait()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving
