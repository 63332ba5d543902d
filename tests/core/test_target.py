"""Which addresses a callback may be sent to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_server.core.target import TargetPolicy
from tests.support.tasks import quick

ALWAYS = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
WHILE_LOCAL = [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "::ffff:127.0.0.1",
    "10.0.0.1",
    "100.64.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
    "::ffff:192.168.0.1",
]
NEVER = [
    "169.254.169.254",
    "100.100.100.200",
    "::ffff:100.100.100.200",
    "fd00:ec2::254",
    "2002:a9fe:a9fe::1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:169.254.169.254%1",
    "224.0.0.1",
    "239.255.255.255",
    "ff02::1",
    "0.0.0.0",
    "::",
    "::ffff:0.0.0.0",
    "240.0.0.1",
    "255.255.255.255",
    "64:ff9b::a9fe:a9fe",
    "::7f00:1",
]

v4 = st.ip_addresses(v=4)
v6 = st.ip_addresses(v=6)
#: Half of them out of the special registries, where the decisions are.
addresses = v4 | v6 | v4.map(lambda ip: ip_address(f"::ffff:{ip}"))


def bare(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address itself, out of its IPv6 wrapping."""
    return (isinstance(ip, IPv6Address) and ip.ipv4_mapped) or ip


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("address", ALWAYS)
def test_public_addresses_are_allowed(address: str, local: bool) -> None:
    """A public address may be called back from any server."""
    assert TargetPolicy(local).refusal(address) is None


@pytest.mark.parametrize("address", WHILE_LOCAL)
def test_loopback_and_private_addresses_need_a_local_server(address: str) -> None:
    """An address of this machine or network may be called back only while the server is on loopback."""
    assert TargetPolicy(True).refusal(address) is None
    assert "the server is not local" in str(TargetPolicy(False).refusal(address))


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_allowed(address: str, local: bool) -> None:
    """Link-local (cloud metadata), multicast, unspecified and reserved addresses are refused in any spelling."""
    assert TargetPolicy(local).refusal(address)


@quick
@given(addresses)
@example(ip_address("100.100.100.200"))  # a cloud's metadata service in the shared address space
@example(ip_address("198.18.0.1"))
def test_a_server_that_is_not_local_calls_back_global_addresses_only(
    ip: IPv4Address | IPv6Address,
) -> None:
    """Beyond loopback, an address that is allowed is one of the public Internet."""
    if TargetPolicy(False).refusal(str(ip)) is None:
        assert bare(ip).is_global


@quick
@given(addresses)
def test_a_local_server_allows_no_less(ip: IPv4Address | IPv6Address) -> None:
    """What any server may call back, a local one may too."""
    if TargetPolicy(False).refusal(str(ip)) is None:
        assert TargetPolicy(True).refusal(str(ip)) is None


@quick
@given(v4)
@example(IPv4Address("169.254.169.254"))
@example(IPv4Address("127.0.0.1"))
def test_an_address_in_ipv6_clothes_meets_the_same_rule(ip: IPv4Address) -> None:
    """An IPv4 address and its IPv4-mapped form are one host."""
    for local in (True, False):
        assert TargetPolicy(local).refusal(f"::ffff:{ip}") == TargetPolicy(local).refusal(str(ip))


def test_what_is_no_address_is_an_error() -> None:
    """A host name is no address: it has to be resolved first."""
    with pytest.raises(ValueError, match="localhost"):
        TargetPolicy(True).refusal("localhost")
