"""Addresses: which lie in a list of networks, and which hop of a forwarded request is the client."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.addresses import are_within, client_address, is_within, networks

PROXIES = networks(["10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("address", "listed", "expected"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.8", "192.0.2.7", False),
        ("192.0.2.255", "192.0.2.0/24", True),
        ("192.0.3.0", "192.0.2.0/24", False),
        ("192.0.2.9", "192.0.2.200/24", True),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("2001:db8::5", "2001:db8::/64", True),
        ("2001:db8:1::5", "2001:db8::/64", False),
        ("fe80::1%eth0", "fe80::/10", True),
        ("192.0.2.7", "::/0", False),
        ("", "0.0.0.0/0", False),
        ("localhost", "127.0.0.0/8", False),
    ],
)
def test_an_address_lies_in_a_network_or_not(address: str, listed: str, expected: bool) -> None:
    assert is_within(address, networks([listed])) is expected


@pytest.mark.parametrize("text", ["", "192.0.2", "192.0.2.256", "192.0.2.0/33", "example.com", "1.2.3.4/255.0.255.0"])
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="neither an address nor a network"):
        networks(["192.0.2.7", text])


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        (["10.1.0.0/16", "192.0.2.7"], ["10.0.0.0/8", "192.0.2.0/24"], True),
        (["10.1.0.0/16"], ["10.1.1.0/24", "10.1.2.0/24"], False),
        (["0.0.0.0/0"], ["10.0.0.0/8"], False),
        (["2001:db8::/64"], ["0.0.0.0/0"], False),
        ([], ["10.0.0.0/8"], True),
    ],
)
def test_networks_lie_in_networks(inner: list[str], outer: list[str], expected: bool) -> None:
    assert are_within(networks(inner), networks(outer)) is expected


@pytest.mark.parametrize(
    ("peer", "hops", "expected"),
    [
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        ("10.0.0.5", [], "10.0.0.5"),
        ("10.0.0.5", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.5", ["203.0.113.9", "198.51.100.1", " 10.0.0.6 "], "198.51.100.1"),
        ("10.0.0.5", ["10.0.0.7", "10.0.0.6"], "10.0.0.7"),
        ("10.0.0.5", ["198.51.100.1", "unknown"], "10.0.0.5"),
        ("10.0.0.5", ["198.51.100.1:4711"], "198.51.100.1"),
        ("::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::ffff:10.0.0.5", ["2001:db8::1"], "2001:db8::1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_client_is_the_nearest_hop_that_is_no_proxy_of_ours(peer: str, hops: list[str], expected: str) -> None:
    assert client_address(peer, hops, PROXIES) == expected


@given(st.lists(st.one_of(st.ip_addresses().map(str), st.text(max_size=20)), max_size=5), st.ip_addresses(v=4))
def test_nothing_that_a_stranger_writes_changes_who_he_is(written: list[str], stranger: object) -> None:
    """The proxy appends who spoke to it; a header full of lies stands left of that."""
    if is_within(str(stranger), PROXIES):
        return
    assert client_address("10.0.0.5", [*written, str(stranger)], PROXIES) == str(ip_address(str(stranger)))
