"""Which addresses are public, and what an administrator can add to them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.addresses import networks
from dayfill.domain.public import may_be_reached

PUBLIC = "93.184.216.34"
BAD = """127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.1.1
169.254.169.254 169.254.170.2 100.64.0.1 100.100.100.200 168.63.129.16 192.0.0.192 192.0.0.1 192.0.2.1 198.18.0.1
198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
::1 :: ::2 ::7f00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 2002:7f00:1::
2002:808:808:: 2001::1 2001:db8::1 2001:2::1 3fff::1 5f00::1 fe80::1 fec0::1 fc00::1 fd00:ec2::254 fd20:ce::254 ff02::1
100::1""".split()


@pytest.mark.parametrize("address", BAD)
def test_what_is_not_public_is_not_reached(address: str) -> None:
    assert not may_be_reached(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", PUBLIC, "2606:4700::1111", "2a00:1450:4001::1"])
def test_what_is_public_is_reached(address: str) -> None:
    assert may_be_reached(ipaddress.ip_address(address), ())


@pytest.mark.parametrize(
    ("entry", "address", "expected"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", True),
        ("10.0.0.0/8", "192.168.0.1", False),
        ("fd00::/8", "fd12::1", True),
        ("0.0.0.0/0", "192.168.0.1", True),
        ("0.0.0.0/0", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.0/8", "127.0.0.2", True),
        ("::/0", "::1", False),
        ("::1", "::1", True),
        ("0.0.0.0/0", "169.254.169.254", False),
        ("169.254.0.0/16", "169.254.169.254", False),
        ("169.254.169.254", "169.254.169.254", True),
        ("fd00::/8", "fd00:ec2::254", False),
        ("0.0.0.0/0", "168.63.129.16", False),
        ("0.0.0.0/0", "0.0.0.0", False),
        ("0.0.0.0/0", "224.0.0.1", False),
        ("::/0", "::ffff:10.0.0.1", False),
        ("::/0", "64:ff9b::a00:1", False),
    ],
)
def test_the_administrator_adds_networks_and_the_machine_and_metadata_only_by_their_own(
    entry: str, address: str, expected: bool
) -> None:
    assert may_be_reached(ipaddress.ip_address(address), networks([entry])) is expected


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_reached(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert not may_be_reached(address, ()) or (address.is_global and not address.is_multicast)
