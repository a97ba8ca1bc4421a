"""Data-source connections of the vendor's contract: create one before the transfer that uses it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from dayfill.api.wire import Answer, Call
from dayfill.domain.audit import Act
from dayfill.domain.destination import MAX_SECRET
from dayfill.engine import audited
from dayfill.engine import connections as verbs
from dayfill.store.db import Tx

Code = Annotated[str, Meta(pattern=r"^[A-Z0-9_]+\Z", max_length=50)]


class NewConnection(msgspec.Struct):
    """Body of a create; keys that it does not know are ignored. secrets: ours, and shown to nobody afterwards."""

    data_source_id: Code
    destination_type: Code
    secrets: dict[str, Annotated[str, Meta(max_length=MAX_SECRET)]] = {}


class ConnectionView(msgspec.Struct):
    """A connection. The URLs belong to an OAuth flow, which there is none of."""

    connection_id: str
    login_url: None = None
    connect_url: None = None


async def create(call: Call, tx: Tx) -> Answer:
    body = call.decode(NewConnection)
    made = await verbs.create(
        tx, call.server.seams, call.team_id, call.caller.user_id, body.data_source_id, body.destination_type
    )
    if body.secrets:
        await verbs.give(tx, call.server.keyring, made, body.secrets)
    place = f"{call.base_url}/teams/{call.team_id}/data-source-connections/{made.public_id}"
    act = Act("connection.create", made.connection_id, after=audited.connection(made))
    return Answer(201, ConnectionView(made.public_id), headers={"Location": place}, act=act)
