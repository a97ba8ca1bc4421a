"""Where a request came from: the socket's other end, or what a proxy of ours says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dayfill.domain.addresses import Network, client_address

_FORWARDED = b"x-forwarded-for"


def address_of(scope: Mapping[str, Any], trusted: Sequence[Network]) -> str:
    """The client's address. X-Forwarded-For counts only as far as our own proxies wrote it, see `client_address`."""
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    if not trusted:
        return peer
    # Several lines of one header are one list.
    lines = [str(value, "latin-1") for name, value in scope["headers"] if name == _FORWARDED]
    return client_address(peer, ",".join(lines).split(",") if lines else (), trusted)
