"""Members of a team and their roles, for those who manage it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from dayfill.api.wire import Answer, Call, stamp
from dayfill.domain.access import Role, RoleName
from dayfill.domain.audit import Act
from dayfill.engine import audited
from dayfill.engine import members as verbs
from dayfill.engine.teams import LONGEST_EMAIL, LONGEST_NAME
from dayfill.store import teams
from dayfill.store.db import Tx
from dayfill.store.teams import Member

Name = Annotated[str, Meta(max_length=LONGEST_NAME)]


class NewMember(msgspec.Struct, forbid_unknown_fields=True):
    """Body of an add; names count for a new user only."""

    email: Annotated[str, Meta(max_length=LONGEST_EMAIL)]
    role: RoleName
    first_name: Name = ""
    last_name: Name = ""


class NewRole(msgspec.Struct, forbid_unknown_fields=True):
    role: RoleName


class MemberView(msgspec.Struct):
    """One member; without a role if it is one of a later version, which allows nothing here."""

    user_id: int
    email: str
    first_name: str
    last_name: str
    role: str | None
    is_enabled: bool
    created_time: str


async def list_(call: Call) -> Answer:
    return Answer(200, [_view(member) for member in await teams.members(call.server.db, call.team_id)])


async def add(call: Call, tx: Tx) -> Answer:
    body = call.decode(NewMember)
    member = await verbs.add(
        tx,
        call.server.seams,
        call.team_id,
        body.email,
        Role(body.role),
        first_name=body.first_name,
        last_name=body.last_name,
        manager=call.caller,
    )
    return Answer(201, _view(member), act=Act("member.add", member.user_id, after=audited.member(member)))


async def set_role(call: Call, tx: Tx) -> Answer:
    before = await verbs.read(tx, call.team_id, call.path["user_id"])
    role = Role(call.decode(NewRole).role)
    member = await verbs.set_role(tx, call.server.seams, call.team_id, before.user_id, role, call.caller)
    return Answer(
        200, _view(member), act=Act("member.role", member.user_id, audited.member(before), audited.member(member))
    )


async def remove(call: Call, tx: Tx) -> Answer:
    member = await verbs.remove(tx, call.team_id, call.path["user_id"], call.caller)
    return Answer(204, None, act=Act("member.remove", member.user_id, audited.member(member)))


def _view(member: Member) -> MemberView:
    return MemberView(
        member.user_id,
        member.email,
        member.first_name,
        member.last_name,
        member.role and member.role.value,
        member.is_enabled,
        stamp(member.created_time),
    )
