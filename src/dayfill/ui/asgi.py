"""The ASGI application of the pages: from a request to a page and back, with every check on the way."""

from __future__ import annotations

import gzip

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from dayfill.engine import sessions
from dayfill.errors import Missing, RequestError
from dayfill.ui import assets, cookies, guard, problems
from dayfill.ui.routes import ROUTES, Page
from dayfill.ui.site import Site
from dayfill.ui.visit import Visit

log = structlog.get_logger()

_SMALL = 1_000
"""Bytes of a page that are not worth packing."""


class Ui:
    """The pages of one server."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        site, request = self._site, Request(scope, receive)
        visit, began = Visit(site, request, site.new_request_id(), None), site.seams.monotonic()
        response = await self._answer(visit)
        guard.protect(site, response.headers, visit.request_id)
        _pack(request, response)
        team_id = visit.signed_in.team_id if visit.signed_in else None
        took = site.seams.monotonic() - began
        site.answered((visit.request_id, visit.route, team_id), request.method, response.status_code, took)
        await response(scope, receive, send)

    async def _answer(self, visit: Visit) -> Response:
        try:
            return await self._dispatch(visit)
        except RequestError as error:
            return problems.answer(visit, error)
        except Exception:
            # The path only: a query string may carry a sign-in link.
            path, method = visit.request.url.path, visit.request.method
            log.exception("page failed", request_id=visit.request_id, method=method, path=path)
            return problems.broken(visit)

    async def _dispatch(self, visit: Visit) -> Response:
        site, request = self._site, visit.request
        guard.refuse_other_hosts(site, request.headers)
        if request.url.path.startswith(assets.PREFIX):
            visit.route = assets.ROUTE
            return assets.answer(request.url.path, request.headers) if guard.is_safe(request) else _only_read(visit)
        site.arrive(request.scope)
        if not guard.is_safe(request):
            guard.refuse_other_origins(request.headers)
        token = cookies.token_of(site, request)
        visit.signed_in = await sessions.current(site.db, site.seams, token) if token else None
        page = _page(request)
        visit.route = page.path if page else visit.route
        if visit.signed_in is None and not (page is not None and page.is_open):
            return problems.signed_out(visit, had_cookie=bool(token))
        if page is None:
            raise Missing(
                "No page has this address: a letter of the link may be missing. Check it, or go on from the overview."
            )
        return await _turned(page, visit)


async def _turned(page: Page, visit: Visit) -> Response:
    """The page's own answer, once the request may have it."""
    request = visit.request
    handler = page.methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        return problems.other_method(visit, ", ".join(sorted(page.methods)))
    if visit.signed_in is not None:
        if not guard.is_safe(request):
            await guard.refuse_forged(visit, visit.session)
        if page.permission is not None:
            visit.needs(page.permission)
    return await handler(visit)


def _page(request: Request) -> Page | None:
    for page in ROUTES:
        match, inner = page.route.matches(request.scope)
        if match is not Match.NONE:
            request.scope.update(inner)
            return page
    return None


def _only_read(visit: Visit) -> Response:
    return problems.other_method(visit, "GET")


def _pack(request: Request, response: Response) -> None:
    """Compress a page on its way; what changes from page to page in it is no secret that could be guessed by length."""
    body = getattr(response, "body", b"")
    is_page = response.headers.get("content-type", "").startswith("text/html")
    if is_page and len(body) > _SMALL and "gzip" in request.headers.get("accept-encoding", ""):
        response.body = gzip.compress(body, 4, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
    if is_page:
        response.headers["Vary"] = "Accept-Encoding, Cookie"
