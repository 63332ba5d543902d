"""Which addresses a callback may be sent to.

Link-local and metadata addresses, multicast, unspecified and reserved ones are never allowed. Public ones always are.
All others, loopback and private ones among them, are allowed while the server itself is bound to loopback: then whoever
can create a task is on this machine. More can be allowed, and names be rewritten, for containers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: Where clouds serve metadata outside link-local ranges.
METADATA = frozenset({ip_address("100.100.100.200"), ip_address("fd00:ec2::254")})
#: RFC 6052: the last 32 bits are an IPv4 address.
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class TargetPolicy:
    """Which targets may be called, and by what other name some are reached.

    Attributes:
        server_is_local: whether the server is bound to loopback; then loopback and private targets are allowed.
        allowed: more networks that may be called; link-local and metadata addresses stay forbidden.
        allowed_hosts: host names that may be called wherever else they lead.
        rewrites: the host that is reached instead of another: ``localhost`` in a container is not the test's.
    """

    server_is_local: bool = True
    allowed: tuple[Network, ...] = ()
    allowed_hosts: frozenset[str] = frozenset()
    rewrites: Mapping[str, str] = field(default_factory=dict)

    def rewritten(self, host: str) -> str:
        """The host that is reached for a host."""
        return self.rewrites.get(host.lower(), host)

    def refusal(self, address: str, host: str = "") -> str | None:
        """Why a callback must not be sent to ``address`` (an IP address in text), or ``None`` when it may.

        Args:
            host: the name that was resolved to it.
        """
        ip = _unwrapped(ip_address(address.split("%", 1)[0]))
        if ip.is_link_local or ip in METADATA:
            return "a link-local address"
        if ip.is_multicast or ip.is_unspecified:
            return "not an address of one host"
        if any(ip in network for network in self.allowed) or host.lower() in self.allowed_hosts:
            return None
        if ip.is_loopback:
            return (
                None if self.server_is_local else "a loopback address, and the server is not local"
            )
        if ip.is_reserved:
            return "a reserved address"
        if not ip.is_global and not self.server_is_local:
            return "a private address, and the server is not local"
        return None


def _unwrapped(ip: Address) -> Address:
    # ::ffff:169.254.169.254 and its like are the same host as 169.254.169.254, and must meet the same rule.
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
