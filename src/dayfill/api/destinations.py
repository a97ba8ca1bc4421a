"""Destinations of the vendor's contract: create, read, update, delete, test, and who uses one. Secrets only come in."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dayfill.api import destination_types
from dayfill.api.destination_types import DestinationType, SetupSetting
from dayfill.api.wire import Answer, Call
from dayfill.domain.audit import Act
from dayfill.domain.destination import Destination, Wanted
from dayfill.domain.ids import LARGEST_SHORT_ID
from dayfill.engine import audited
from dayfill.engine import destinations as verbs
from dayfill.errors import Malformed, Missing, Refused
from dayfill.store import destinations
from dayfill.store.db import Tx

_NEW = "new_"


class NewDestination(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a create; of an update too, which may also carry ``new_<secret>``."""

    type: str
    display_name: str
    fields: dict[str, Any]
    auth_method: str = ""


class Trial(NewDestination, forbid_unknown_fields=True):
    """Body of a test; secrets that it leaves out come from the destination with this id."""

    destination_id: Annotated[int, Meta(ge=1, le=LARGEST_SHORT_ID)] | None = None


class DestinationView(msgspec.Struct):
    id: int
    display_name: str
    destination_type: DestinationType
    edit_settings: list[SetupSetting]


class DestinationItem(msgspec.Struct):
    id: int
    display_name: str
    type: str


class TrialResult(msgspec.Struct):
    success: bool
    error: str | None


class UsingTransfer(msgspec.Struct):
    transfer_id: int
    transfer_name: str


class Usage(msgspec.Struct):
    is_used: bool
    transfers: list[UsingTransfer]


async def list_(call: Call) -> Answer:
    found = await destinations.list_all(call.server.db, call.team_id)
    return Answer(200, [DestinationItem(one.destination_id, one.display_name, one.destination_type) for one in found])


async def get(call: Call) -> Answer:
    return Answer(200, _view(call, await _read(call)))


async def usage(call: Call) -> Answer:
    destination = await _read(call)
    users = await destinations.usage(call.server.db, call.team_id, destination.destination_id)
    return Answer(200, Usage(bool(users), [UsingTransfer(*user) for user in users]))


async def create(call: Call, tx: Tx) -> Answer:
    wanted = _wanted(call.decode(NewDestination), {})
    verbs.refuse_out_of_reach(wanted, call.server.reaches.of(call.team_id))
    made = await verbs.create(tx, call.server.seams, call.server.keyring, call.team_id, wanted)
    place = f"{call.base_url}/teams/{call.team_id}/destinations/{made.destination_id}"
    act = Act("destination.create", made.destination_id, after=audited.destination(made))
    return Answer(201, _view(call, made), headers={"Location": place}, act=act)


async def update(call: Call, tx: Tx) -> Answer:
    destination = await _read(call)
    new = _new_keys(call)
    wanted = _wanted(call.decode(NewDestination, leave_out=new), new)
    verbs.refuse_out_of_reach(wanted, call.server.reaches.of(call.team_id))
    changed = await verbs.update(
        tx, call.server.seams, call.server.keyring, call.team_id, destination.destination_id, wanted
    )
    sent = {"new_secrets": sorted(verbs.sent_secrets(wanted))}
    after = {**audited.destination(changed), **sent} if sent["new_secrets"] else audited.destination(changed)
    act = Act("destination.update", changed.destination_id, audited.destination(destination), after)
    return Answer(200, _view(call, changed), act=act)


async def delete(call: Call, tx: Tx) -> Answer:
    destination = await _read(call)
    await verbs.delete(tx, call.server.seams, call.team_id, destination.destination_id)
    return Answer(
        204, None, act=Act("destination.delete", destination.destination_id, audited.destination(destination))
    )


async def test(call: Call) -> Answer:
    server, new = call.server, _new_keys(call)
    body = call.decode(Trial, leave_out=new)
    wanted = _wanted(body, new)
    reach = server.reaches.of(call.team_id)
    whose = server.installation_id, call.team_id
    error = await server.trials.run(
        call.team_id, lambda: verbs.test(server.db, server.keyring, *whose, wanted, body.destination_id, reach)
    )
    tried = {"type": body.type, "fields": verbs.plain_in(wanted), "success": error is None}
    act = Act("destination.test", body.destination_id or "new", after=tried)
    return Answer(200, TrialResult(error is None, error), act=act)


def _view(call: Call, destination: Destination) -> DestinationView:
    kind = verbs.kind_of(destination.destination_type)
    return DestinationView(
        destination.destination_id,
        destination.display_name,
        destination_types.view(call, kind),
        destination_types.filled_in(kind, destination.fields, destination.sealed is not None),
    )


def _new_keys(call: Call) -> dict[str, Any]:
    """The members of the body whose names depend on the type of destination."""
    document = call.document()
    if not isinstance(document, dict):
        return {}
    return {name: value for name, value in document.items() if name.startswith(_NEW)}


def _wanted(body: NewDestination, new: dict[str, Any]) -> Wanted:
    return Wanted(body.type, body.display_name, body.fields, body.auth_method, _new_secrets(body.type, new))


def _new_secrets(destination_type: str, new: dict[str, Any]) -> dict[str, str]:
    """New secrets by field id. Clients call it new_password where a type has one secret of another name.

    Raises:
        Malformed: not a text, or no secret of this type. Refused: no such type, or a type without secrets.
    """
    secrets = [field.field_id for field in verbs.kind_of(destination_type).fields if field.is_secret]
    found = {}
    for name, value in new.items():
        field_id = name.removeprefix(_NEW)
        if field_id not in secrets and field_id == "password":
            if len(secrets) != 1:
                raise Refused(f"{destination_type} takes no {name}: {_secrets_of(secrets)}.")
            field_id = secrets[0]
        if field_id not in secrets:
            raise Malformed(f"Request body: Object contains unknown field `{name[:100]}`; {_secrets_of(secrets)}.")
        if not isinstance(value, str):
            raise Malformed(f"Request body: Expected `str` - at `$.{name}`. Send a text.")
        found[field_id] = value
    return found


def _secrets_of(secrets: list[str]) -> str:
    return f"send {' or '.join(_NEW + one for one in secrets)}" if secrets else "it has no secrets, so leave it out"


async def _read(call: Call) -> Destination:
    destination = await destinations.get(call.server.db, call.team_id, call.path["destination_id"])
    if destination is None:
        raise Missing("Destination not found; list those of the team.")
    return destination
