"""Login links: pages where somebody else signs in to a source. No source has such a page, so there never is a link."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from dayfill.api.wire import Answer, Call
from dayfill.engine import sources
from dayfill.errors import Missing, Refused

Description = Annotated[str, Meta(max_length=1_000)]


class NewLink(msgspec.Struct):
    """Body of a create; keys that it does not know are ignored. expiry_time: a time, or such as "10 hours"."""

    ds_id: Annotated[str, Meta(min_length=1, max_length=50)]
    expiry_time: str = "24 hours"
    description: Description = ""
    require_username: Annotated[str, Meta(max_length=255)] = ""
    redirect_url: Annotated[str, Meta(max_length=500)] = ""


async def create(call: Call) -> Answer:
    """Always refused.

    Raises:
        Malformed: not such a body. Refused: there is no such source, or it has no page to sign in.
    """
    source = sources.known(call.decode(NewLink).ds_id)
    raise Refused(
        f"{source.title} has no page to sign in, so there is nothing to link to. Make a login by POST "
        "/teams/{team_id}/data-source-connections."
    )


async def list_(call: Call) -> Answer:
    return Answer(200, [])


async def find(call: Call) -> Answer:
    """Reading, changing and closing one.

    Raises:
        Missing: always.
    """
    raise Missing("Login link not found; dayfill makes none, so list the logins.", code="LINK_NOT_FOUND")
