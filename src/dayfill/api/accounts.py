"""Accounts that logins reach: those of one login, in pages, and those of all logins at a data source."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta

from dayfill.api import logins, query_parameters
from dayfill.api.parameters import integer
from dayfill.api.wire import Answer, Call
from dayfill.domain.connection import Connection
from dayfill.engine import accounts, sources
from dayfill.store import connections

MOST_LOGINS = 100
LARGEST_OFFSET, LONGEST_PAGE = 1_000_000, 1_000


class AccountView(msgspec.Struct):
    account_id: str
    name: str
    group: str
    kind: str = msgspec.field(default="ds_account", name="@type")


class AccountItem(msgspec.Struct):
    account_id: str
    account_name: str
    group_name: str


class LoginAccounts(msgspec.Struct):
    """What one login reaches. Nothing is kept of an answer, so it is never older than the request."""

    ds_user: str
    display_name: str
    accounts: list[AccountItem]
    cache_time: None = None


class Asked(msgspec.Struct):
    """Whose accounts. ds_users: usernames of logins, in any case; none means all. Other keys are ignored."""

    ds_id: str
    ds_users: Annotated[list[str], Meta(max_length=100)] = []
    cache_minutes: Annotated[int, Meta(ge=60, le=1_440)] | None = None


async def of_login(call: Call) -> Answer:
    login = await logins.find(call, call.server.db)
    offset = integer(call, "offset", lowest=0, highest=LARGEST_OFFSET, default=0)
    limit = integer(call, "limit", lowest=1, highest=LONGEST_PAGE, default=100)
    found = await accounts.of_login(call.server.keyring, login, call.server.reaches.of(login.team_id))
    page = [AccountView(one.account_id, one.name, one.group) for one in found[offset : offset + limit]]
    return Answer(200, page, meta={"paginate": {"offset": offset, "limit": limit, "total": len(found)}})


async def of_source(call: Call) -> Answer:
    asked = query_parameters.decoded(call, Asked)
    sources.known(asked.ds_id)
    found = [one for one in await _logins(call, asked.ds_id) if _is_wanted(one, asked)][:MOST_LOGINS]
    data = await asyncio.gather(*(_accounts(call, login) for login in found))
    return Answer(200, data, meta={"query": {"cache_minutes": asked.cache_minutes}})


async def _logins(call: Call, data_source_id: str) -> list[Connection]:
    """Logins of every team of the caller at a source, newest first, without the revoked ones."""
    found = [
        one
        for team_id in call.teams
        for one in await connections.in_force(call.server.db, team_id, data_source_id, logins.MOST)
    ]
    return sorted(found, key=lambda one: one.connection_id, reverse=True)


def _is_wanted(login: Connection, asked: Asked) -> bool:
    wanted = {one.casefold() for one in asked.ds_users}
    return not wanted or login.username.casefold() in wanted


async def _accounts(call: Call, login: Connection) -> LoginAccounts:
    found = await accounts.of_login(call.server.keyring, login, call.server.reaches.of(login.team_id))
    items = [AccountItem(one.account_id, one.name, one.group) for one in found]
    return LoginAccounts(login.username, logins.name_of(login), items)
