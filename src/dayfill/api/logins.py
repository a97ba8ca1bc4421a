"""Logins at data sources: list, read, revoke. A login of the wire is a connection of the state."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from dayfill.api.wire import Answer, Call, stamp, stamp_or_none
from dayfill.domain.audit import Act
from dayfill.domain.connection import Connection
from dayfill.engine import audited, sources
from dayfill.engine import connections as verbs
from dayfill.errors import Denied, Missing
from dayfill.store import connections
from dayfill.store.db import Reader, Tx

MOST = 1_000
"""Logins in one list; the newest ones."""


class SourceName(msgspec.Struct):
    ds_id: str
    name: str
    kind: str = msgspec.field(default="ds", name="@type")


class UserName(msgspec.Struct):
    user_id: str
    email: str
    kind: str = msgspec.field(default="user", name="@type")


class LoginView(msgspec.Struct):
    """A login. It is the team's, so shared; without OAuth nothing expires, and nothing can be refreshed."""

    login_id: str
    login_type: str
    username: str
    display_name: str
    ds_info: SourceName
    auth_time: str
    revoked_time: str | None
    auth_user_info: UserName | UnsetType = UNSET
    default_scopes: tuple[str, ...] = ()
    additional_scopes: tuple[str, ...] = ()
    expiry_time: str | None = None
    is_refreshable: bool = False
    is_shared: bool = True
    kind: str = msgspec.field(default="ds_login", name="@type")


class Done(msgspec.Struct):
    result: bool = True


async def list_(call: Call) -> Answer:
    """The logins of every team of the caller, newest first."""
    found = [one for team_id in call.teams for one in await connections.list_all(call.server.db, team_id, MOST)]
    found.sort(key=lambda one: one.connection_id, reverse=True)
    return Answer(200, [_view(one) for one in found[:MOST]])


async def get(call: Call) -> Answer:
    return Answer(200, _view(await find(call, call.server.db)))


async def revoke(call: Call, tx: Tx) -> Answer:
    login = await find(call, tx)
    await verbs.revoke(tx, call.server.seams, login.team_id, login.connection_id)
    act = Act("login.revoke", login.connection_id, audited.connection(login), team_id=login.team_id)
    return Answer(200, Done(), act=act)


async def find(call: Call, db: Reader) -> Connection:
    """The login of the path, in whichever team of the caller it is.

    Raises:
        Missing: there is none, or it belongs to others. Denied: the caller's role in its team is too small.
    """
    for team_id in call.caller.roles:
        found = await connections.get(db, team_id, call.path["login_id"])
        if found is not None and team_id in call.teams:
            return found
        if found is not None:
            raise Denied(f"Your role in team {team_id} does not allow this; ask an owner of the team.")
    raise Missing("Login not found; list those of the team.", code="LOGIN_NOT_FOUND")


def name_of(login: Connection) -> str:
    """How pages show a login."""
    return f"{_source_name(login.data_source_id)} {login.connection_id}"


def _view(login: Connection) -> LoginView:
    by: UserName | UnsetType = UNSET
    if login.user_id is not None and login.user_email is not None:
        by = UserName(str(login.user_id), login.user_email)
    return LoginView(
        login_id=str(login.connection_id),
        login_type="none" if login.sealed is None else "credentials",
        username=login.username,
        display_name=name_of(login),
        ds_info=SourceName(login.data_source_id, _source_name(login.data_source_id)),
        auth_time=stamp(login.created_time),
        revoked_time=stamp_or_none(login.revoked_time),
        auth_user_info=by,
    )


def _source_name(data_source_id: str) -> str:
    source = sources.find(data_source_id)
    return data_source_id if source is None else source.title
