"""Which addresses a callback may be sent to.

Link-local addresses (cloud metadata among them), multicast, unspecified and reserved ones are never allowed. Loopback
and private ones are allowed while the server itself is bound to loopback: then whoever can create a task is on this
machine. Public ones are always allowed.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


def refusal(address: str, *, server_is_local: bool) -> str | None:
    """Why a callback must not be sent to ``address`` (an IP address in text), or ``None`` when it may."""
    ip = _unwrapped(ip_address(address.split("%", 1)[0]))
    if ip.is_loopback:
        return None if server_is_local else "a loopback address, and the server is not local"
    if ip.is_link_local:
        return "a link-local address"
    if ip.is_multicast or ip.is_unspecified:
        return "not an address of one host"
    if ip.is_reserved:
        return "a reserved address"
    if ip.is_private:
        return None if server_is_local else "a private address, and the server is not local"
    return None


def _unwrapped(ip: Address) -> Address:
    # ::ffff:169.254.169.254 is the same host as 169.254.169.254, and must meet the same rule.
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip
