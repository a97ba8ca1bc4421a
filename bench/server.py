"""The server that `bench.http` measures, in a process of its own; prints what a client needs as one line of JSON."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from bench.world import world
from dayfill.app import Running, serve
from dayfill.cli.logs import log_to_stderr
from dayfill.domain.reach import Reach, Reaches
from dayfill.settings import Settings
from dayfill.settings.server import RequestLimits

NEVER_SPENT = 10**12
"""Requests an hour: every request is counted in each of its buckets, and none is refused."""


async def _dayfill(folder: Path, parquet: str, postgresql: str | None = None) -> None:
    async with world(folder, {"path": parquet, "date_column": "day"}, postgresql=postgresql) as here:
        known = {"api_key": here.key, "team_id": here.team_id, "transfer_id": here.transfer_id}

    async def say(running: Running) -> None:
        print(json.dumps({"port": running.port, "pid": os.getpid(), **known}), flush=True)

    reach = Reaches(Reach((str(folder.parent),)))
    limits = RequestLimits(NEVER_SPENT, NEVER_SPENT, NEVER_SPENT)
    settings = Settings(folder / "data", port=0, reaches=reach, state=postgresql, requests=limits)
    await serve(settings, on_ready=say)


async def _static(size: int) -> None:
    """The ceiling: uvicorn alone, with none of what stands around our API, and an application that only sends bytes."""
    body = b"x" * size
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(size).encode())]}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head)
        await send({"type": "http.response.body", "body": body})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(json.dumps({"port": listener.getsockname()[1], "pid": os.getpid()}), flush=True)
        config = uvicorn.Config(app, http="httptools", lifespan="off", log_config=None, access_log=False)
        await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    log_to_stderr("info")
    what, *rest = sys.argv[1:]
    uvloop.run(_dayfill(Path(rest[0]), *rest[1:]) if what == "dayfill" else _static(int(rest[0])))
