"""The two cookies: who is signed in, which no script can read, and the theme, which is nobody's secret."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dayfill.engine.sessions import LONGEST
from dayfill.ui.site import Site

THEME = "dayfill-theme"
THEMES = ("light", "dark")


def name_of(site: Site) -> str:
    """With TLS in front a name that no other host can set, and that no plain page can."""
    return "__Host-dayfill" if site.is_https else "dayfill"


def token_of(site: Site, request: Request) -> str:
    """What the browser carries; empty if it carries nothing."""
    return request.cookies.get(name_of(site), "")


def sign_in(site: Site, response: Response, token: str) -> None:
    response.set_cookie(
        name_of(site),
        token,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        secure=site.is_https,
        httponly=True,
        samesite="lax",
    )


def sign_out(site: Site, response: Response) -> None:
    response.delete_cookie(name_of(site), path="/", secure=site.is_https, httponly=True, samesite="lax")


def theme_of(request: Request) -> str:
    """What the person chose, else empty: as the system says."""
    theme = request.cookies.get(THEME, "")
    return theme if theme in THEMES else ""
