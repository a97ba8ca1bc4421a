"""What every request of a page must pass, and the headers that every answer carries."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request

from dayfill.domain.addresses import is_loopback
from dayfill.engine.sessions import is_csrf_token
from dayfill.errors import Denied, Malformed
from dayfill.store.sessions import Session
from dayfill.ui.site import Site
from dayfill.ui.visit import Visit

SAFE = frozenset({"GET", "HEAD"})
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""No inline code and no inline style: a text that got into a page as markup could still do nothing."""
_ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_TLS_SECONDS = 31_536_000


def protect(site: Site, headers: MutableHeaders, request_id: str) -> None:
    """Put on what every answer carries; a page is kept nowhere, unless it said otherwise itself."""
    for name, value in _ALWAYS.items():
        headers[name] = value
    headers["X-Request-Id"] = request_id
    headers.setdefault("Cache-Control", "no-store")
    if site.is_https:
        headers["Strict-Transport-Security"] = f"max-age={_TLS_SECONDS}"


def refuse_other_hosts(site: Site, headers: Headers) -> None:
    """Without TLS in front the pages answer to names of this machine alone.

    A page of a stranger can let its own name lead to 127.0.0.1, and would then count as ours.

    Raises:
        Malformed: the request is meant for another name.
    """
    name = parts_of(f"//{headers.get('host', '')}").hostname or ""
    if not (site.is_https or is_loopback(name) or name.endswith(".localhost")):
        raise Malformed(
            "The pages of this server answer to localhost and 127.0.0.1. Open one of them; or put a TLS proxy in front "
            "and set DAYFILL_BEHIND_PROXY=1."
        )


def refuse_other_origins(headers: Headers) -> None:
    """A change comes from a page of ours: the browser says from where, and nothing else can say it for it.

    Raises:
        Denied: from a page of somebody else, or nothing says from where.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    # Our pages send no referrer, and so browsers send "null" as the origin of their forms: then the other one must say.
    if site is not None and origin in (None, "null"):
        is_ours = site == "same-origin"
    else:
        is_ours = site in (None, "same-origin") and parts_of(origin or "").netloc == headers.get("host", "") != ""
    if not is_ours:
        raise Denied("This was not sent from a page of this server, so nothing was done. Open the page and try again.")


async def refuse_forged(visit: Visit, session: Session) -> None:
    """A change carries the token of its session, in the header X-CSRF-Token or in the field csrf.

    Raises:
        Denied: it does not.
    """
    token = visit.request.headers.get("x-csrf-token") or (await visit.form()).get("csrf", "")
    if not is_csrf_token(session, token):
        raise Denied("This page is older than your sign-in, so nothing was done. Load it again and try once more.")


def parts_of(url: str) -> SplitResult:
    """A URL taken apart; an empty one for a text that cannot be."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def is_safe(request: Request) -> bool:
    return request.method in SAFE
