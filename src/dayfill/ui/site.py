"""What the pages may use: made once, in app."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from dayfill.domain.reach import Reaches
from dayfill.engine.live import Hub
from dayfill.engine.trials import Trials
from dayfill.engine.waits import NO_CLUSTER, Waits
from dayfill.errors import RequestError
from dayfill.seams import Seams
from dayfill.secrets import Keyring
from dayfill.store.db import Database
from dayfill.ui.tallies import Tallies

Asked = MutableMapping[str, Any]
"""The ASGI scope of a request."""
Whose = tuple[str, str, int | None]
"""Id, route and team of a request."""


def _anybody(_scope: Asked) -> None:
    """No limit."""


def _as_it_is(_scope: Asked, error: RequestError) -> RequestError:
    return error


def _peer(scope: Mapping[str, Any]) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _untold(_whose: Whose, _method: str, _status: int, _seconds: float) -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True)
class Site:
    """What a page may use.

    changed: wakes the dispatcher after a commit. max_days: limit of a range. reaches: what connectors may open for each
    team. new_request_id: of the request that begins. is_https: a proxy in front speaks TLS; else only this machine
    reaches the pages. address_of: where a request came from. arrive: raises Exceeded if that address asks too often.
    refuse: counts a vain try to sign in, and returns what to raise. used_keys: ids of keys that signed in.
    trials: of destinations, under way. answered: counts and tells of a request, with its method, status and seconds.
    tallies: the days of transfers, counted. waits: why nothing starts.
    """

    db: Database
    seams: Seams
    keyring: Keyring
    hub: Hub
    changed: Callable[[], None]
    new_request_id: Callable[[], str]
    max_days: int
    trials: Trials
    reaches: Reaches = field(default_factory=Reaches)
    is_https: bool = False
    address_of: Callable[[Mapping[str, Any]], str] = _peer
    arrive: Callable[[Asked], None] = _anybody
    refuse: Callable[[Asked, RequestError], RequestError] = _as_it_is
    used_keys: set[str] = field(default_factory=set)
    installation_id: str = ""
    answered: Callable[[Whose, str, int, float], None] = _untold
    tallies: Tallies = field(default_factory=Tallies)
    waits: Waits = NO_CLUSTER
