"""Plain connections, for drivers that would open their own: to an address that was checked, and to no other."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from dayfill import outgoing
from dayfill.domain.reach import Reach
from dayfill.errors import Transient

CONNECT_SECONDS = 10.0


@contextmanager
def connected(host: str, port: int, reach: Reach, ports: frozenset[int], shown: str) -> Iterator[socket.socket]:
    """A connection to the first address of a host that answers; see `outgoing.checked`."""
    for address in outgoing.checked(host, port, reach, ports, shown):
        try:
            stream = socket.create_connection((address, port), CONNECT_SECONDS)
        except OSError:
            continue
        with stream:
            yield stream
        return
    raise Transient("SOURCE", f"{shown} cannot be reached.")
