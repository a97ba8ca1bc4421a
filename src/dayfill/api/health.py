"""What needs no key: is the process alive, can it serve, and the document of the wire."""

from __future__ import annotations

from importlib.resources import files

from dayfill.api.server import Server
from dayfill.api.wire import Answer, stamp

_DOCUMENT = files("dayfill.api").joinpath("openapi.yaml").read_bytes()


async def alive(_server: Server) -> Answer:
    return Answer(200, {"status": "ok"}, wrapped=False)


async def ready(server: Server) -> Answer:
    reason = server.is_ready()
    if reason is None:
        return Answer(200, {"status": "ready"} | _degraded(server), wrapped=False)
    return Answer(503, {"status": "not ready", "reason": reason}, wrapped=False, headers={"Retry-After": "1"})


def _degraded(server: Server) -> dict[str, str]:
    """What is amiss for which nobody should send requests elsewhere: no server loads more than this one."""
    outage = server.hub.waits.outage
    if outage is None:
        return {}
    return {"degraded": f"The cluster takes nothing since {stamp(outage.since)}; the log says why."}


async def document(_server: Server) -> Answer:
    return Answer(200, _DOCUMENT, wrapped=False, headers={"Content-Type": "application/yaml"})
