"""How often a key, a team and an address may ask: token buckets, in the memory of this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, MutableMapping, Sequence
from ipaddress import IPv6Address
from typing import Any, NamedTuple

from dayfill.api.addresses import address_of
from dayfill.domain.addresses import Network
from dayfill.errors import Exceeded, RequestError

MOST_HOLDERS = 20_000
"""Buckets of one kind that are kept; the one that was asked longest ago goes first, and would be full the soonest."""
SHOWN = "dayfill.taken"
"""Where a request's scope keeps what the headers of its answer say: see `Taken`."""

_TOKEN = 3_600 * 1_000_000
"""What one request costs, where each microsecond gives as much as requests are allowed in an hour: whole numbers."""
Holder = int | str
Asked = MutableMapping[str, Any]
"""The ASGI scope of a request."""


class Taken(NamedTuple):
    """A bucket after a request. wait: seconds until it holds a token again, 0 if the request had one."""

    limit: int
    remaining: int
    wait: int


class Buckets:
    """A bucket for each holder, filled evenly with ``per_hour`` tokens an hour, and holding as many.

    What is kept of a bucket is when it will be full again: one number.
    """

    def __init__(self, per_hour: int, most: int = MOST_HOLDERS) -> None:
        self._per_hour = per_hour
        self._holds = per_hour * _TOKEN
        self._most = most
        self._full: OrderedDict[Holder, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full)

    def take(self, holder: Holder, monotonic: float) -> Taken:
        """A token, if there is one: who is refused pays nothing, so asking again does not make the wait longer."""
        now = int(monotonic * 1_000_000) * self._per_hour
        full = self._full.get(holder, now)
        if full < now:
            full = now
        left = self._holds - (full - now)
        if left < _TOKEN:
            return Taken(self._per_hour, 0, -((left - _TOKEN) // (self._per_hour * 1_000_000)))
        self._full[holder] = full + _TOKEN
        self._full.move_to_end(holder)
        if len(self._full) > self._most:
            self._full.popitem(last=False)
        return Taken(self._per_hour, left // _TOKEN - 1, 0)

    def give_back(self, holder: Holder) -> None:
        """The token that was taken just now."""
        self._full[holder] -= _TOKEN


class Limits:
    """The limits of a server, each in requests an hour; None: no limit. refused: those without a usable key."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        trusted_proxies: Sequence[Network] = (),
        *,
        key: int | None = None,
        team: int | None = None,
        address: int | None = None,
        refused: int | None = None,
    ) -> None:
        self._monotonic = monotonic
        self._trusted = trusted_proxies
        self._keys = Buckets(key) if key else None
        self._teams = Buckets(team) if team else None
        self._addresses = Buckets(address) if address else None
        self._refused = Buckets(refused) if refused else None

    def arrive(self, scope: Asked) -> None:
        """Any request, before anything else is known of it.

        Raises:
            Exceeded: its address has asked too often.
        """
        if self._addresses is not None:
            _granted(self._addresses.take(self._network(scope), self._monotonic()), "This address")

    def _network(self, scope: Asked) -> Holder:
        return network_of(address_of(scope, self._trusted))

    def refuse(self, scope: Asked, error: RequestError) -> RequestError:
        """A request without a usable key; returns what to raise. It takes nothing from a good key of its address.

        Raises:
            Exceeded: its address has sent too many of them.
        """
        if self._refused is not None:
            taken = self._refused.take(self._network(scope), self._monotonic())
            _granted(taken, "An address without a usable API key")
        return error

    def ask(self, scope: Asked, key_id: str) -> None:
        """A request with this key.

        Raises:
            Exceeded: the key has asked too often.
        """
        if self._keys is not None:
            _granted(_shown(scope, self._keys.take(key_id, self._monotonic())), "This API key")

    def ask_team(self, scope: Asked, team_id: int, key_id: str) -> None:
        """The same request, by a member of this team; nobody else's, or strangers could use it up.

        Raises:
            Exceeded: the team has asked too often.
        """
        if self._teams is not None:
            taken = _shown(scope, self._teams.take(team_id, self._monotonic()))
            if taken.wait and self._keys is not None:
                self._keys.give_back(key_id)
            _granted(taken, "This team, over all its API keys,")


NO_LIMITS = Limits(lambda: 0.0)


def network_of(address: str) -> Holder:
    """Whom an address stands for: itself, or the first half of IPv6, of which anybody has all the second halves.

    A socket of both families writes IPv4 as ::ffff:192.0.2.1: all of these share a first half, and are not one.
    """
    try:
        found = IPv6Address(address) if ":" in address else None
    except ValueError:
        return address
    if found is None:
        return address
    return str(found.ipv4_mapped) if found.ipv4_mapped else int(found) >> 64


def headers_of(taken: Taken) -> list[tuple[bytes, bytes]]:
    """What an answer says of the bucket with the least left."""
    return [(b"x-ratelimit-limit", b"%d" % taken.limit), (b"x-ratelimit-remaining", b"%d" % taken.remaining)]


def _shown(scope: Asked, taken: Taken) -> Taken:
    before = scope.get(SHOWN)
    scope[SHOWN] = taken if before is None or taken.remaining <= before.remaining else before
    return taken


def _granted(taken: Taken, who: str) -> None:
    if taken.wait:
        raise Exceeded(
            f"{who} may make {taken.limit:,} requests an hour; wait {taken.wait} s before the next one.",
            retry_after=taken.wait,
        )
