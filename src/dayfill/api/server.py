"""What a request may use of the server that answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from dayfill.api.limits import NO_LIMITS, Limits
from dayfill.api.traffic import Traffic
from dayfill.domain.addresses import Network
from dayfill.engine.premises import Premises
from dayfill.engine.queries import Queries
from dayfill.engine.vitals import Vitals


async def _unwatched() -> Vitals:
    return Vitals()


@dataclass(frozen=True, slots=True, kw_only=True)
class Server(Premises):
    """What a request of the API may use.

    is_ready: None, or the reason why not. queries: under way, and their results. vitals: what the server knows of its
    own health. traffic: the requests that it has answered. trusted_proxies: whose X-Forwarded-For is believed. limits:
    how often a caller may ask.
    """

    is_ready: Callable[[], str | None]
    queries: Queries
    vitals: Callable[[], Awaitable[Vitals]] = _unwatched
    traffic: Traffic = field(default_factory=Traffic)
    trusted_proxies: tuple[Network, ...] = ()
    limits: Limits = NO_LIMITS
