"""A browser without a screen: keeps its cookies, says where a form was sent from, sends the token of the page."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from html import unescape

import httpx

from dayfill.app import site_of
from dayfill.domain.access import Role
from dayfill.ui.asgi import Ui
from installation import Installation

HOST = "http://127.0.0.1:8484"
FROM_HERE = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
"""What a browser says of a form on a page of ours, which sends no referrer."""


class Browser(httpx.AsyncClient):
    """Not signed in yet; see `sign_in`."""

    def __init__(self, installation: Installation, *, is_https: bool = False, host: str = HOST) -> None:
        ui = Ui(site_of(installation.server, is_https))
        super().__init__(
            transport=httpx.ASGITransport(ui), base_url=host.replace("http:", "https:" if is_https else "http:")
        )
        installation.clients.append(self)
        self.page = ""

    async def open(self, path: str, **more: object) -> httpx.Response:
        answer = await self.get(path, **more)  # type: ignore[arg-type]
        self.page = answer.text
        return answer

    def token(self) -> str:
        """The token that the page that was opened last gives to its forms."""
        found = re.search(r'name="csrf" value="([^"]*)"', self.page)
        return unescape(found[1]) if found else ""

    async def submit(self, path: str, /, **fields: str) -> httpx.Response:
        """Send a form of the page that was opened last."""
        return await self.post(path, data={"csrf": self.token(), **fields}, headers=FROM_HERE)

    async def sign_in(self, key: str) -> httpx.Response:
        await self.open("/sign-in")
        answer = await self.submit("/sign-in", api_key=key)
        assert answer.status_code == 303, answer.text
        return await self.open("/")


SignedIn = Callable[[Role], Awaitable[Browser]]
"""Makes a browser of a new member with this role."""
