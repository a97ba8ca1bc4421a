"""What a request may use of the server that answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from dayfill.api.limits import NO_LIMITS, Limits
from dayfill.api.traffic import Traffic
from dayfill.domain.addresses import Network
from dayfill.domain.reach import Reaches
from dayfill.engine.live import Hub
from dayfill.engine.queries import Queries
from dayfill.engine.trials import Trials
from dayfill.engine.vitals import Vitals
from dayfill.engine.waits import NO_CLUSTER, Waits
from dayfill.seams import Seams
from dayfill.secrets import Keyring
from dayfill.store.db import Database


async def _unwatched() -> Vitals:
    return Vitals()


@dataclass(frozen=True, slots=True)
class Server:
    """What a request may use.

    changed: wakes the dispatcher after a commit. is_ready: None, or the reason why not. max_days: limit of a range.
    hub: tells watchers what moves. vitals: what the server knows of its own health. traffic: the requests that it has
    answered. trusted_proxies: whose X-Forwarded-For is believed. limits: how often a caller may ask. used_keys: ids of
    the keys that requests came with, for the housekeeping to write down. queries: under way, and their results.
    reaches: what connectors may open for each team. trials: of destinations, under way. waits: why nothing starts.
    """

    db: Database
    seams: Seams
    keyring: Keyring
    installation_id: str
    changed: Callable[[], None]
    is_ready: Callable[[], str | None]
    max_days: int
    hub: Hub
    queries: Queries
    trials: Trials
    vitals: Callable[[], Awaitable[Vitals]] = _unwatched
    traffic: Traffic = field(default_factory=Traffic)
    trusted_proxies: tuple[Network, ...] = ()
    limits: Limits = NO_LIMITS
    used_keys: set[str] = field(default_factory=set)
    reaches: Reaches = field(default_factory=Reaches)
    waits: Waits = NO_CLUSTER
