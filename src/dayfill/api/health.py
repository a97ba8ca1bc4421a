"""What needs no key: is the process alive, can it serve, and the document of the wire."""

from __future__ import annotations

from importlib.resources import files

from dayfill.api.server import Server
from dayfill.api.wire import Answer

_DOCUMENT = files("dayfill.api").joinpath("openapi.yaml").read_bytes()


async def alive(_server: Server) -> Answer:
    return Answer(200, {"status": "ok"}, wrapped=False)


async def ready(server: Server) -> Answer:
    reason = server.is_ready()
    if reason is None:
        return Answer(200, {"status": "ready"}, wrapped=False)
    return Answer(503, {"status": "not ready", "reason": reason}, wrapped=False, headers={"Retry-After": "1"})


async def document(_server: Server) -> Answer:
    return Answer(200, _DOCUMENT, wrapped=False, headers={"Content-Type": "application/yaml"})
