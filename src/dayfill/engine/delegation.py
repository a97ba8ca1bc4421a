"""What a key may give to another: no more than it has, and only to people whom its user manages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dayfill.domain.access import Caller, may_manage
from dayfill.domain.addresses import are_within, networks
from dayfill.errors import Denied
from dayfill.store import keys, teams
from dayfill.store.db import Reader


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key may do: its scopes, from where (none: anywhere), until when (None: for ever).

    only_team_id: the one team that it reaches; None is every team of its user.
    """

    scopes: frozenset[str]
    allow_ips: tuple[str, ...]
    expires_time: datetime | None
    only_team_id: int | None = None


async def within(db: Reader, maker: Caller, team_id: int, user_id: int, wanted: Grant) -> Grant:
    """What a key may do that this maker makes for this user; without addresses or expiry, with those of the maker.

    A key for somebody else reaches this team alone: whoever made it may keep it, and the user may join other teams.

    Raises:
        Denied: more than the maker has, or somebody whom it does not manage.
    """
    await refuse_strangers(db, maker, user_id)
    if beyond := sorted(wanted.scopes - maker.scopes):
        text = f"This API key lacks the scope {beyond[0]}, so it can make no key that has it: leave it out."
        raise Denied(text, code="ACCESS_DENIED_PERMISSIONS")
    own_ips, own_end, own_team = await keys.limits_of(db, maker.key_id)
    allow_ips, expires_time = wanted.allow_ips or own_ips, wanted.expires_time or own_end
    if own_ips and not are_within(networks(allow_ips), networks(own_ips)):
        raise Denied("This API key may be used from some addresses only: send allow_ips that lie within these.")
    if own_end and expires_time and expires_time > own_end:
        raise Denied(
            f"This API key expires at {own_end:%Y-%m-%dT%H:%M:%SZ}; it can make none that lives longer. Send an "
            "earlier time."
        )
    bound = wanted.only_team_id or (own_team if user_id == maker.user_id else team_id)
    return Grant(wanted.scopes, allow_ips, expires_time, bound)


async def refuse_strangers(db: Reader, maker: Caller, user_id: int) -> None:
    """A key reaches every team of its user, so whoever makes or ends keys of another must manage all of these.

    Raises:
        Denied: the maker does not.
    """
    if user_id == maker.user_id:
        return
    theirs = await teams.roles_of(db, user_id)
    if not all(may_manage(maker.roles.get(team_id), role) for team_id, role in theirs.items()):
        raise Denied(
            f"The keys of user {user_id} are not yours to make or end: for an owner only an owner may, for somebody "
            "who is in other teams too only who manages all of them. Ask such a person."
        )
