"""One request of somebody at the pages: who it is, what the role allows, what was sent, and how to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from dayfill.domain.access import SCOPES, Caller, Permission, Role, role_allows
from dayfill.domain.audit import Actor
from dayfill.domain.ids import LARGEST_ID
from dayfill.engine import sessions
from dayfill.errors import Denied, Malformed, Missing
from dayfill.store.sessions import Session
from dayfill.ui import cookies, render
from dayfill.ui.site import Site

MOST_FORM_BYTES, MOST_FIELDS, FORM_SECONDS = 262_144, 1_000, 30.0
WORDS = {
    Permission.TRANSFER_VIEW: "see transfers",
    Permission.TRANSFER_EDIT: "change transfers or start backfills",
    Permission.LOGIN_VIEW: "see connections",
    Permission.LOGIN_EDIT: "change connections",
    Permission.QUERY_RUN: "run queries",
    Permission.TEAM_VIEW: "see the team",
    Permission.TEAM_MANAGE: "manage the team",
}


@dataclass(slots=True)
class Visit:
    """One request.

    signed_in: None on the page where people sign in, and nowhere else. route: the page's path with its ids as names.
    """

    site: Site
    request: Request
    request_id: str
    signed_in: Session | None
    route: str = "none"
    _sent: list[tuple[str, str]] | None = field(default=None)

    @property
    def session(self) -> Session:
        assert self.signed_in is not None
        return self.signed_in

    @property
    def team_id(self) -> int:
        """The team that is looked at: the first argument of every read."""
        return self.session.team_id

    @property
    def user_id(self) -> int:
        return self.session.user_id

    @property
    def role(self) -> Role | None:
        return self.session.roles.get(self.team_id)

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit log."""
        user_id = self.signed_in.user_id if self.signed_in else None
        return Actor("session", user_id, None, self.site.address_of(self.request.scope) or None, self.request_id)

    @property
    def caller(self) -> Caller:
        """The user with all roles, as verbs ask who manages whom; no key is behind it."""
        return Caller("", self.user_id, SCOPES, True, None, dict(self.session.roles))

    def may(self, permission: Permission) -> bool:
        return role_allows(self.role, permission)

    def why_not(self, permission: Permission) -> str | None:
        """Why somebody may not do it, and whom to ask; None if they may. What a disabled button says."""
        if self.may(permission):
            return None
        role = self.role.value if self.role else "unknown"
        team = self.session.teams.get(self.team_id, "this team")
        return f"Your role {role} in {team} may not {WORDS[permission]}: ask an owner or admin of the team."

    def needs(self, permission: Permission) -> None:
        """Go on only if the role allows it.

        Raises:
            Denied: it does not.
        """
        if (reason := self.why_not(permission)) is not None:
            raise Denied(reason)

    async def form(self) -> Mapping[str, str]:
        """The fields of the form that was sent, each once: of repeated names the last counts, see `choices`.

        Raises:
            Malformed: it is not a form, or too large.
        """
        return dict(await self.choices())

    async def choices(self) -> list[tuple[str, str]]:
        """The fields of the form as they were sent, repeated names included; see `form`."""
        if self._sent is None:
            self._sent = await self._read()
        return self._sent

    async def _read(self) -> list[tuple[str, str]]:
        body = bytearray()
        try:
            async with asyncio.timeout(FORM_SECONDS):
                async for piece in self.request.stream():
                    body += piece
                    if len(body) > MOST_FORM_BYTES:
                        raise Malformed(f"A form may have {MOST_FORM_BYTES:,} bytes: shorten what was typed.")
        except TimeoutError:
            raise Malformed(f"A form must arrive within {FORM_SECONDS:g} s; nothing was done. Try again.") from None
        except ClientDisconnect:
            raise Malformed("The form ended before all of it had come. Send it again.") from None
        try:
            return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
        except ValueError:
            text = "What was sent is not a form that can be read. Load the page again and send it once more."
            raise Malformed(text) from None

    def path_id(self, name: str) -> int:
        """An id in the path.

        Raises:
            Missing: it is not an id.
        """
        text = self.request.path_params[name]
        if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= LARGEST_ID):
            raise Missing(f"There is nothing with the number {text[:40]!r} here. Choose one from the list.")
        return int(text)

    @property
    def is_htmx(self) -> bool:
        """Whether a part of a page asks, which takes a fragment and no whole page."""
        return self.request.headers.get("hx-request") == "true"

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A whole page, or a fragment of one, from a template."""
        return HTMLResponse(render.page(template, visit=self, **values), status)

    def to(self, path: str, toast: str = "") -> Response:
        """Go on to another page, with a word about what was done. path: ours, so it begins with one slash."""
        if toast:
            path += ("&" if "?" in path else "?") + f"toast={quote(toast)}"
        if self.is_htmx:
            return Response(status_code=204, headers={"HX-Redirect": path})
        return Response(status_code=303, headers={"Location": path})

    @property
    def theme(self) -> str:
        """light or dark, if the person chose one."""
        return cookies.theme_of(self.request)

    @property
    def csrf(self) -> str:
        """What a form sends back in its field ``csrf``, htmx in the header X-CSRF-Token."""
        return sessions.csrf_token(self.session) if self.signed_in else ""

    async def still_signed_in(self) -> bool:
        """Whether the session goes on: for answers that take long."""
        token = cookies.token_of(self.site, self.request)
        session = await sessions.current(self.site.db, self.site.seams, token)
        return session is not None and session.session_id == self.session.session_id
