"""Addresses: where a request came from, whether that lies in a list of networks, where the server listens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from dayfill.errors import SetupError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_NETWORKS = 100
"""How many addresses and networks one list may name."""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks of a list of addresses and CIDR networks; bits of a host in a network's address are dropped.

    Raises:
        ValueError: a text that is neither.
    """
    return tuple(_network(text) for text in texts)


def _network(text: str) -> Network:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is neither an address nor a network such as 192.0.2.0/24") from None


def is_within(address: str, allowed: Sequence[Network]) -> bool:
    """Whether an address lies in one of these networks; a text that is not an address does not."""
    parsed = _address(address)
    return parsed is not None and any(parsed in network for network in allowed)


def are_within(inner: Iterable[Network], outer: Sequence[Network]) -> bool:
    """Whether every one of these networks lies in one of those."""
    return all(any(_is_part(one, whole) for whole in outer) for one in inner)


def client_address(peer: str, hops: Sequence[str], trusted: Sequence[Network]) -> str:
    """The address nearest to us that is not one of our proxies.

    Every proxy adds, at the right end, who spoke to it; what stands left of a stranger's entry was written by that
    stranger and counts for nothing.

    Args:
        peer: other end of the socket.
        hops: entries of X-Forwarded-For, in order.
        trusted: our own proxies.
    """
    nearest = peer
    for hop in reversed(hops):
        if not is_within(nearest, trusted):
            break
        parsed = _address(_without_port(hop.strip()))
        if parsed is None:
            break
        nearest = str(parsed)
    return nearest


def _without_port(hop: str) -> str:
    """Some proxies write 192.0.2.1:4711 or [2001:db8::1]:4711."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(4096)
def _address(text: str) -> Address | None:
    """An address; an IPv4 one inside an IPv6 socket (::ffff:192.0.2.1) is that IPv4 address."""
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed


def _is_part(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def bound_to(bind: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``[IPv6]:PORT``, taken apart.

    Raises:
        SetupError: it is neither.
    """
    host, separator, port = bind.rpartition(":")
    if not separator or not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise SetupError("DAYFILL_BIND (or bind, --bind): expected HOST:PORT, such as 127.0.0.1:8484 or [::1]:8484.")
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
