"""The two doors of the server behind one socket: the API for programs, the pages for people."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

API = frozenset(
    {
        *("teams", "ds", "query", "table", "api_key", "api_keys", "v1", "v2", "enterprise", "x"),
        *("healthz", "readyz", "metrics", "openapi.yaml"),
    }
)
"""First parts of the paths that are the API's; every other path is a page, for whoever shows no API key."""


class Doors:
    """Each request to its door, by the first part of its path; a program that errs in it hears so from the API."""

    def __init__(self, api: ASGIApp, ui: ASGIApp) -> None:
        self._api = api
        self._ui = ui

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and scope["path"][1:].partition("/")[0] not in API
        await (self._ui if is_page and not _shows_key(scope) else self._api)(scope, receive, send)


def _shows_key(scope: Scope) -> bool:
    return any(name == b"authorization" and value[:7].lower() == b"bearer " for name, value in scope["headers"])
