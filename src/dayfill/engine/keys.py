"""Verbs on API keys: make one, rotate it, disable it; and the format of a key."""

from __future__ import annotations

import hmac
import secrets as entropy
import string
import zlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dayfill.domain.access import SCOPES, Caller
from dayfill.domain.addresses import MOST_NETWORKS, is_within, networks
from dayfill.domain.problem import choices
from dayfill.engine.delegation import Grant, refuse_strangers, within
from dayfill.errors import Denied, Missing, Refused, Unauthenticated
from dayfill.seams import Seams
from dayfill.secrets import Keyring
from dayfill.store import keys, teams
from dayfill.store.db import Reader, Tx

PREFIX = "api_"
ID_LENGTH, SECRET_LENGTH, CHECK_LENGTH = 8, 43, 6
"""43 base62 characters hold 256 random bits; the check is a CRC-32, so a typing error is found without a read."""
KEY_LENGTH = len(PREFIX) + ID_LENGTH + 1 + SECRET_LENGTH + 1 + CHECK_LENGTH
LONGEST_DESCRIPTION, START_LENGTH = 1_000, 10
LEAST_CHARACTERS = 16
"""Different ones in a secret; one by chance has about 31, and fewer than these once in a thousand million times."""
OVERLAP, LONGEST_OVERLAP = timedelta(hours=24), timedelta(days=30)
"""How long a key goes on beside the one that takes its place."""

_NOBODY = bytes(32)
"""Compared when a key id is unknown, so that it takes the time of a known one."""
_UNKNOWN = "This is not an API key of this server; check that it is whole, or ask an owner for a new one."
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_END = len(PREFIX) + ID_LENGTH
_SECRET_END = _ID_END + 1 + SECRET_LENGTH
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. ``text`` is the key itself: show it once, it is not kept."""

    text: str
    key: keys.ApiKey


async def create(
    tx: Tx,
    seams: Seams,
    keyring: Keyring,
    team_id: int,
    user_id: int,
    *,
    scopes: Iterable[str] = (),
    description: str = "",
    expires_time: datetime | None = None,
    allow_ips: Collection[str] = (),
    only_team_id: int | None = None,
    maker: Caller | None = None,
    text: str | None = None,
) -> NewKey:
    """A key for a member of the team; it reaches every team of that user, within the user's roles.

    maker: the key that asks for it, and can give no more than it has; None is the operator. What is not said about
    expiry and addresses is as with the maker. only_team_id: the one team that it reaches; see `within`. text: a key
    that was made elsewhere and is to work here; None makes one.

    Raises:
        Missing: the team has no such user.
        Refused: a scope that does not exist, a description that is too long, an expiry in the past, an address that
            cannot be read, a text that is not a key, or a key that is here already.
        Denied: more than the maker has.
    """
    if await teams.member(tx, team_id, user_id) is None:
        raise Missing(f"Team {team_id} has no user {user_id}; list those of the team.")
    if len(description) > LONGEST_DESCRIPTION:
        raise Refused(f"The description has {len(description)} characters: shorten it to {LONGEST_DESCRIPTION}.")
    if expires_time is not None and expires_time <= seams.now():
        raise Refused(f"{expires_time.isoformat()} has passed; a key must expire in the future.")
    grant = Grant(_known(scopes), _networks(allow_ips), expires_time, only_team_id)
    if maker is not None:
        grant = await within(tx, maker, team_id, user_id, grant)
    text = text or compose(_random_text(ID_LENGTH), _random_text(SECRET_LENGTH))
    api_key_id, secret = await _new(tx, text)
    key = keys.ApiKey(
        api_key_id,
        text[:START_LENGTH],
        user_id,
        description,
        grant.scopes,
        True,
        grant.expires_time,
        seams.now(),
        grant.allow_ips,
        only_team_id=grant.only_team_id,
    )
    await keys.insert(tx, key, keyring.fingerprint(secret))
    return NewKey(text, key)


async def _new(db: Reader, text: str) -> tuple[str, str]:
    """Id and secret of a key that is not here yet."""
    parsed = parse(text)
    if parsed is None:
        raise Refused(
            f"This is not an API key: one is {PREFIX}... with {KEY_LENGTH} characters, as dayfill key create makes it."
        )
    api_key_id, secret = parsed
    if len(set(secret)) < LEAST_CHARACTERS:
        raise Refused("This key was not made by chance, so somebody could guess it: dayfill key create makes one.")
    if await keys.credential(db, api_key_id) is not None:
        raise Refused(f"There is a key {api_key_id} here already: disable it there, or create another one.")
    return api_key_id, secret


def _known(scopes: Iterable[str]) -> frozenset[str]:
    chosen = frozenset(scopes)
    if unknown := sorted(chosen - SCOPES):
        raise Refused(f"There is no scope {unknown[0]!r}{choices(unknown[0], sorted(SCOPES))}")
    return chosen


async def rotate(
    tx: Tx,
    seams: Seams,
    keyring: Keyring,
    team_id: int,
    api_key_id: str,
    overlap: timedelta,
    maker: Caller | None = None,
) -> tuple[NewKey, keys.ApiKey]:
    """A second key that may do the same, and the first one, which ends after the overlap.

    If the first one was made for a time, the second one lives as long, from now on.

    Raises:
        Missing: no member of the team has such a key. Denied: see `create`.
        Refused: it is disabled or has expired.
    """
    old, now = await read(tx, team_id, api_key_id), seams.now()
    if not old.is_enabled or (old.expires_time is not None and old.expires_time <= now):
        raise Refused(f"{api_key_id} is disabled or has expired: make a new key in its place.")
    new = await create(
        tx,
        seams,
        keyring,
        team_id,
        old.user_id,
        scopes=old.scopes,
        description=old.description,
        expires_time=old.expires_time and now + (old.expires_time - old.created_time),
        allow_ips=old.allow_ips,
        only_team_id=old.only_team_id,
        maker=maker,
    )
    end = now + overlap
    ended = await keys.expire(tx, team_id, api_key_id, min(end, old.expires_time or end))
    assert ended is not None
    return new, ended


async def disable(tx: Tx, team_id: int, api_key_id: str, maker: Caller | None = None) -> keys.ApiKey:
    """Disable a key for good; the next request with it is refused.

    Raises:
        Missing: no member of the team has such a key. Denied: the maker does not manage its user.
    """
    key = await read(tx, team_id, api_key_id)
    if maker is not None:
        await refuse_strangers(tx, maker, key.user_id)
    disabled = await keys.disable(tx, team_id, api_key_id)
    assert disabled is not None
    return disabled


async def read(db: Reader, team_id: int, api_key_id: str) -> keys.ApiKey:
    """A key of a member of the team.

    Raises:
        Missing: there is none.
    """
    key = await keys.get(db, team_id, api_key_id)
    if key is None:
        raise Missing(f"Team {team_id} has no key {api_key_id[:50]}; list those of the team.")
    return key


async def recognise(db: Reader, keyring: Keyring, text: str) -> keys.Credential:
    """The key that somebody presents: one keyed read, as the state is now, so a disabled key is dead at once.

    Raises:
        Unauthenticated: none of ours.
    """
    parsed = parse(text)
    if parsed is None:
        raise Unauthenticated(_UNKNOWN)
    api_key_id, secret = parsed
    credential = await keys.credential(db, api_key_id)
    expected = credential.secret_hash if credential else _NOBODY
    if not hmac.compare_digest(keyring.fingerprint(secret), expected) or credential is None:
        raise Unauthenticated(_UNKNOWN)
    return credential


def refuse_use(credential: keys.Credential, now: datetime, address: Callable[[], str]) -> None:
    """Stop a key that may not be used, or not from there; address: of the client, asked only where it matters.

    Raises:
        Denied: it is disabled, has expired, or is not to be used from this address.
    """
    caller = credential.caller
    if not caller.is_enabled:
        raise Denied("This API key or its user is disabled; ask an owner for a new key.", code="API_KEY_DISABLED")
    if caller.expires_time is not None and caller.expires_time <= now:
        raise Denied("This API key has expired; ask an owner for a new key.", code="API_KEY_DISABLED")
    if credential.allowed and not is_within(here := address(), credential.allowed):
        text = f"This API key may not be used from {here or 'here'}; ask an owner for one that may."
        raise Denied(text, code="ACCESS_DENIED_IP")


def _networks(allow_ips: Collection[str]) -> tuple[str, ...]:
    """Each once, as an address or a network is written."""
    if len(allow_ips) > MOST_NETWORKS:
        raise Refused(
            f"There are {len(allow_ips)} addresses; {MOST_NETWORKS} are allowed: send networks that hold several."
        )
    try:
        found = dict.fromkeys(networks(allow_ips))
    except ValueError as error:
        raise Refused(f"allow_ips: {error}; send one or the other.") from None
    return tuple(str(one.network_address if one.num_addresses == 1 else one) for one in found)


def compose(key_id: str, secret: str) -> str:
    """The key as its owner gets it: ``api_`` id ``_`` secret ``_`` check, 63 characters."""
    body = f"{PREFIX}{key_id}_{secret}"
    return f"{body}_{_check(body)}"


def parse(text: str) -> tuple[str, str] | None:
    """api_key_id and secret of a well-formed key, by position; None for any other text."""
    if len(text) != KEY_LENGTH or not text.startswith(PREFIX) or text[_ID_END] != "_" or text[_SECRET_END] != "_":
        return None
    key_id, secret = text[len(PREFIX) : _ID_END], text[_ID_END + 1 : _SECRET_END]
    if not (text.isascii() and key_id.isalnum() and secret.isalnum()):
        return None
    if text[_SECRET_END + 1 :] != _check(text[:_SECRET_END]):
        return None
    return f"apk_{key_id}", secret


def _check(body: str) -> str:
    """CRC-32 of the characters before it, as six base62 digits."""
    rest, low = divmod(zlib.crc32(body.encode("ascii")), len(_PAIRS))
    high, middle = divmod(rest, len(_PAIRS))
    return _PAIRS[high] + _PAIRS[middle] + _PAIRS[low]


def _random_text(length: int) -> str:
    return "".join(entropy.choice(_ALPHABET) for _ in range(length))
