"""Whom limits by address count as one client."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

#: The bits of an IPv6 address that name a network: what a provider gives one customer.
_NETWORK_BITS = 64


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it: a name or an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def client_of(scope: Mapping[str, Any]) -> str:
    """The client of an ASGI scope; "" if it has no address."""
    return client_key(scope["client"][0]) if scope["client"] else ""


@lru_cache(10_000)
def client_key(host: str) -> str:
    """An IPv4 address as it is, of an IPv6 address its /64 network: a client has as many addresses in it as it likes. Other texts
    as they are."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    hidden_bits = 128 - _NETWORK_BITS
    return f"{IPv6Address(int(address) >> hidden_bits << hidden_bits)}/{_NETWORK_BITS}"
