"""The HTTP door: the socket, and uvicorn with our protocol."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from dayfill.api.protocol import Protocol
from dayfill.api.traffic import Traffic
from dayfill.errors import SetupError
from dayfill.seams import Seams
from dayfill.settings import Settings


class HttpServer(uvicorn.Server):
    """uvicorn that says when it answers, and leaves the signals to us: the first one drains the dispatcher."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def http_server(application: ASGIApp, seams: Seams, traffic: Traffic) -> HttpServer:
    """uvicorn for an application, to be served on a socket that listens already."""
    config = uvicorn.Config(
        application,
        http=cast(Any, partial(Protocol, seams=seams, traffic=traffic)),  # uvicorn's type knows classes only
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=128,  # accepted in one turn of the loop, before Protocol can turn any away
        timeout_graceful_shutdown=5,
    )
    return HttpServer(config)


@contextmanager
def listener(settings: Settings) -> Iterator[socket.socket]:
    """The socket of the settings' address.

    Raises:
        SetupError: it is taken, or not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((settings.host, settings.port))
        except OSError as error:
            raise SetupError(
                f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}. Choose another address "
                "with --bind or DAYFILL_BIND."
            ) from None
        yield made


def in_url(host: str) -> str:
    """A host as a URL writes it."""
    return f"[{host}]" if ":" in host else host
