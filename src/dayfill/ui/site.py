"""What the pages may use: made once, in app."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from dayfill.engine.premises import Premises
from dayfill.errors import RequestError
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(Premises):
    """What a page may use.

    new_request_id: of the request that begins. is_https: a proxy in front speaks TLS; else only this machine reaches
    the pages. address_of: where a request came from. arrive: raises Exceeded if that address asks too often. refuse:
    counts a vain try to sign in, and returns what to raise. answered: counts and tells of a request, with its method,
    status and seconds. tallies: the days of transfers, counted.
    """

    new_request_id: Callable[[], str]
    is_https: bool = False
    address_of: Callable[[Mapping[str, Any]], str] = _peer
    arrive: Callable[[Asked], None] = _anybody
    refuse: Callable[[Asked, RequestError], RequestError] = _as_it_is
    answered: Callable[[Whose, str, int, float], None] = _untold
    tallies: Tallies = field(default_factory=Tallies)
