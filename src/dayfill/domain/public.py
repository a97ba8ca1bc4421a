"""Which addresses a connection may go to: public ones, and those that the administrator adds."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address

from dayfill.domain.addresses import Address, Network, networks

_LOOPBACK = networks(["127.0.0.0/8", "::1"])
_METADATA = frozenset(
    networks(
        """169.254.169.254 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 192.0.0.192
        fd00:ec2::254 fd00:ec2::23 fd20:ce::254""".split()
    )
)
"""Where clouds hand out credentials to the machine, to whoever asks from it."""
_NEVER = networks(
    """0.0.0.0/8 224.0.0.0/4 240.0.0.0/4 ::/128 ff00::/8 100::/64
    ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 2002::/16 2001::/32""".split()
)
"""Nobody, everybody and nothing (unspecified, multicast, broadcast, discard), then IPv6 addresses with an IPv4 one
inside, which would go unchecked: mapped, NAT64, 6to4, Teredo."""
_SPECIAL = networks(
    ["192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "2001::/23", "3fff::/20", "5f00::/16", "fec0::/10"]
)
"""For tests, relays and documents; not all of it is known to Python of every version."""
_COMPATIBLE = networks(["::/96"])[0]


def may_be_reached(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether a connection may go there. allowed: networks of the administrator.

    The machine itself and the metadata of a cloud are only in reach by an entry of their own: one that lies within
    127.0.0.0/8, or that is just that address.
    """
    if _is_in(address, _NEVER) or (isinstance(address, IPv6Address) and _is_compatible(address)):
        return False
    entries = [network for network in allowed if address in network]
    if any(address in network for network in _METADATA):
        return any(network in _METADATA for network in entries)
    for loopback in _LOOPBACK:
        if address in loopback:
            return any(network.prefixlen >= loopback.prefixlen for network in entries)
    return bool(entries) or (address.is_global and not _is_in(address, _SPECIAL))


def _is_in(address: Address, listed: Sequence[Network]) -> bool:
    return any(address in network for network in listed)


def _is_compatible(address: IPv6Address) -> bool:
    return address in _COMPATIBLE and not address.is_loopback
