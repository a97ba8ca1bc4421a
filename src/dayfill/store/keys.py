"""Rows of API keys: what the door needs to know a caller, and the lists that operators see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec

from dayfill.domain.access import ROLES, Caller
from dayfill.domain.addresses import Network, networks
from dayfill.store.db import Reader, Row, Tx, instant, micros, moment

_scopes = lru_cache(msgspec.json.Decoder(frozenset[str]).decode)
_texts = msgspec.json.Decoder(tuple[str, ...]).decode


@lru_cache
def _allowed(allow_ips: str) -> tuple[Network, ...]:
    """As `_scopes`: remembered by the text alone, which few keys do not share; what a key holds is read each time."""
    return networks(_texts(allow_ips))


@dataclass(frozen=True, slots=True)
class Credential:
    """A caller, the fingerprint that the presented secret must have, and whence the key may come; empty: anywhere."""

    secret_hash: bytes
    caller: Caller
    allowed: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key as lists show it; ``key_start`` are its first 10 characters, the secret is not kept.

    allow_ips: addresses and networks that it may be used from; none is any. last_used_time: to the minute.
    only_team_id: the one team that it reaches; None is every team of its user.
    """

    api_key_id: str
    key_start: str
    user_id: int
    description: str
    scopes: frozenset[str]
    is_enabled: bool
    expires_time: datetime | None
    created_time: datetime
    allow_ips: tuple[str, ...] = ()
    last_used_time: datetime | None = None
    only_team_id: int | None = None


async def credential(db: Reader, api_key_id: str) -> Credential | None:
    """The key with its user's roles, in one keyed read; no team_id, because this read decides the teams."""
    rows = await db.all("get_credential", api_key_id=api_key_id)
    if not rows:
        return None
    _, _, secret_hash, user_id, scopes, is_enabled, expires_time, allow_ips = rows[0]
    # A role that this version does not know gives nothing.
    roles = {row[0]: ROLES[row[1]] for row in rows if row[1] in ROLES}
    caller = Caller(api_key_id, user_id, _scopes(scopes), bool(is_enabled), instant(expires_time), roles)
    return Credential(secret_hash, caller, _allowed(allow_ips))


async def insert(tx: Tx, key: ApiKey, secret_hash: bytes) -> None:
    await tx.one(
        "insert_api_key",
        api_key_id=key.api_key_id,
        secret_hash=secret_hash,
        key_start=key.key_start,
        user_id=key.user_id,
        description=key.description,
        scopes=msgspec.json.encode(sorted(key.scopes)).decode(),
        expires_time=micros(key.expires_time),
        created_time=micros(key.created_time),
        allow_ips=msgspec.json.encode(key.allow_ips).decode(),
        only_team_id=key.only_team_id,
    )


async def page(db: Reader, team_id: int) -> list[ApiKey]:
    """Keys of the team's members, oldest first."""
    return [_api_key(row) for row in await db.all("list_api_keys", team_id=team_id)]


async def get(db: Reader, team_id: int, api_key_id: str) -> ApiKey | None:
    """A key of a member of the team."""
    row = await db.one("get_api_key", team_id=team_id, api_key_id=api_key_id)
    return None if row is None else _api_key(row)


async def limits_of(db: Reader, api_key_id: str) -> tuple[tuple[str, ...], datetime | None, int | None]:
    """Whence, until when and in which one team a key that exists may be used; no team_id, since it is the caller's."""
    row = await db.one("get_limits_of_api_key", api_key_id=api_key_id)
    assert row is not None
    return _texts(row[0]), instant(row[1]), row[2]


async def expire(tx: Tx, team_id: int, api_key_id: str, expires_time: datetime) -> ApiKey | None:
    """Let a key end at this time; None if no member of the team has it."""
    row = await tx.one("expire_api_key", team_id=team_id, api_key_id=api_key_id, expires_time=micros(expires_time))
    return None if row is None else _api_key(row)


async def disable(tx: Tx, team_id: int, api_key_id: str) -> ApiKey | None:
    """Disable for good; None if no member of the team has such a key."""
    row = await tx.one("disable_api_key", team_id=team_id, api_key_id=api_key_id)
    return None if row is None else _api_key(row)


async def note_uses(tx: Tx, api_key_ids: Sequence[str], now: datetime) -> None:
    """These keys have been used just now."""
    await tx.many("note_use_of_api_key", [{"api_key_id": one, "now": micros(now)} for one in api_key_ids])


def _api_key(row: Row) -> ApiKey:
    (
        api_key_id,
        key_start,
        user_id,
        description,
        scopes,
        is_enabled,
        expires_time,
        created_time,
        allow_ips,
        used,
        team,
    ) = row
    return ApiKey(
        api_key_id,
        key_start,
        user_id,
        description,
        _scopes(scopes),
        bool(is_enabled),
        instant(expires_time),
        moment(created_time),
        _texts(allow_ips),
        instant(used),
        team,
    )
