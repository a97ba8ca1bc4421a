"""API keys of a team's users, for those who manage the team. A key is shown once, in the answer that makes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dayfill.api.parameters import instant
from dayfill.api.wire import Answer, Call, Nothing, stamp, stamp_or_none
from dayfill.domain.addresses import MOST_NETWORKS
from dayfill.domain.audit import Act
from dayfill.domain.ids import LARGEST_ID
from dayfill.engine import audited
from dayfill.engine import keys as verbs
from dayfill.engine.keys import LONGEST_DESCRIPTION, LONGEST_OVERLAP, OVERLAP, NewKey
from dayfill.store import keys
from dayfill.store.db import Reader, Tx
from dayfill.store.keys import ApiKey

_HOUR = timedelta(hours=1)
_PRIVATE = {"Cache-Control": "no-store"}

Scope = Annotated[str, Meta(max_length=100)]
Network = Annotated[str, Meta(max_length=100)]


class KeyBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a create. behalf_of_user_id: whom the key acts for, by default who makes it."""

    description: Annotated[str, Meta(max_length=LONGEST_DESCRIPTION)] = ""
    scope_names: Annotated[list[Scope], Meta(max_length=100)] = []
    allow_ips: Annotated[list[Network], Meta(max_length=MOST_NETWORKS)] = []
    expires_time: str | None = None
    behalf_of_user_id: Annotated[int, Meta(ge=1, le=LARGEST_ID)] | None = None


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a rotation: how long the old key goes on."""

    overlap_hours: Annotated[int, Meta(ge=0, le=LONGEST_OVERLAP // _HOUR)] = OVERLAP // _HOUR


class KeyView(msgspec.Struct, kw_only=True):
    """One key. api_key: the key itself, in the answer that makes it and nowhere else."""

    api_key_id: str
    key_start: str
    behalf_of_user_id: int
    description: str
    scope_names: list[str]
    allow_ips: tuple[str, ...]
    is_enabled: bool
    expires_time: str | None
    last_used_time: str | None
    created_time: str
    only_team_id: int | None
    api_key: str | UnsetType = UNSET


async def list_(call: Call) -> Answer:
    return Answer(200, [_view(key) for key in await keys.page(call.server.db, call.team_id)])


async def get(call: Call) -> Answer:
    return Answer(200, _view(await _read(call, call.server.db)))


async def create(call: Call, tx: Tx) -> Answer:
    body, server = call.decode(KeyBody), call.server
    new = await verbs.create(
        tx,
        server.seams,
        server.keyring,
        call.team_id,
        body.behalf_of_user_id or call.caller.user_id,
        scopes=body.scope_names,
        description=body.description,
        expires_time=None if body.expires_time is None else instant("expires_time", body.expires_time),
        allow_ips=body.allow_ips,
        maker=call.caller,
    )
    return _shown_once(new, Act("key.create", new.key.api_key_id, after=audited.api_key(new.key)))


async def rotate(call: Call, tx: Tx) -> Answer:
    old, server = await _read(call, tx), call.server
    overlap = call.decode(Rotation).overlap_hours * _HOUR
    new, ended = await verbs.rotate(
        tx, server.seams, server.keyring, call.team_id, old.api_key_id, overlap, call.caller
    )
    after = {**audited.api_key(ended), "new_api_key_id": new.key.api_key_id}
    return _shown_once(new, Act("key.rotate", old.api_key_id, audited.api_key(old), after))


async def disable(call: Call, tx: Tx) -> Answer:
    key = await _read(call, tx)
    call.decode(Nothing)
    disabled = await verbs.disable(tx, call.team_id, key.api_key_id, call.caller)
    act = Act("key.disable", key.api_key_id, audited.api_key(key), audited.api_key(disabled))
    return Answer(200, _view(disabled), act=act)


async def _read(call: Call, db: Reader) -> ApiKey:
    return await verbs.read(db, call.team_id, call.texts["api_key_id"])


def _shown_once(new: NewKey, act: Act) -> Answer:
    view = _view(new.key)
    return Answer(201, msgspec.structs.replace(view, api_key=new.text), headers=_PRIVATE, act=act, kept=view)


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        api_key_id=key.api_key_id,
        key_start=key.key_start,
        behalf_of_user_id=key.user_id,
        description=key.description,
        scope_names=sorted(key.scopes),
        allow_ips=key.allow_ips,
        is_enabled=key.is_enabled,
        expires_time=stamp_or_none(key.expires_time),
        last_used_time=stamp_or_none(key.last_used_time),
        created_time=stamp(key.created_time),
        only_team_id=key.only_team_id,
    )
