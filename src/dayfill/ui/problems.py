"""Pages for what went wrong: each says what happened and gives a way on."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from dayfill.errors import (
    Busy,
    Conflict,
    Denied,
    Exceeded,
    Malformed,
    Missing,
    NotOffered,
    Refused,
    RequestError,
    Unauthenticated,
)
from dayfill.ui.guard import parts_of
from dayfill.ui.visit import Visit

STATUS: dict[type[RequestError], tuple[int, str]] = {
    Malformed: (400, "That cannot be read"),
    Unauthenticated: (401, "Sign in first"),
    Denied: (403, "You may not do this"),
    Missing: (404, "There is nothing here"),
    Conflict: (409, "Something else has this already"),
    Refused: (422, "This is not possible now"),
    Exceeded: (429, "Too many requests"),
    NotOffered: (501, "dayfill does not have this"),
    Busy: (503, "The server cannot do this now"),
}
_BROKEN = (500, "The server has made a mistake")


def answer(visit: Visit, error: RequestError) -> Response:
    """A page, or for a part of a page a message that appears beside it, where nothing else changes."""
    status, title = STATUS[type(error)]
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    return _answer(visit, status, title, error.description, headers)


def broken(visit: Visit) -> Response:
    """The answer when none of this should have happened."""
    text = f"The log of the server has the cause under request id {visit.request_id}. Nothing was half done."
    return _answer(visit, *_BROKEN, text, {})


def other_method(visit: Visit, allowed: str) -> Response:
    text = f"This page knows {allowed}. Open it by its link instead."
    return _answer(visit, 405, "That is not how this page works", text, {"Allow": allowed})


def _answer(visit: Visit, status: int, title: str, text: str, headers: dict[str, str]) -> Response:
    template = "problem_toast.html" if visit.is_htmx else "problem.html"
    response = visit.page(template, status, title=title, text=text, code=status)
    response.headers.update(headers)
    if visit.is_htmx:
        response.headers.update({"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"})
    return response


def signed_out(visit: Visit, had_cookie: bool) -> Response:
    """On to the sign-in, and from there back to where somebody wanted to go."""
    request = visit.request
    # A part of a page leads back to its page; what was sent by a form is not sent again.
    at = parts_of(request.headers.get("hx-current-url", "")) if visit.is_htmx else request.url
    wanted = at.path + (f"?{at.query}" if at.query else "")
    query = f"?next={quote(wanted or '/', safe='/')}" if request.method == "GET" or visit.is_htmx else "?next=/"
    path = "/sign-in" + query + ("&ended=1" if had_cookie else "")
    if visit.is_htmx:
        return Response(status_code=401, headers={"HX-Redirect": path})
    return Response(status_code=303, headers={"Location": path})
