"""Which addresses a webhook may have: none that leads into the network of Seatledger itself."""

import ipaddress
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple
from urllib.parse import urlsplit

MAX_LENGTH = 2_000
_PORTS = {"http": 80, "https": 443}
#: Names of this machine and of local networks.
_LOCAL_NAMES = ("localhost", "local", "internal", "lan", "home.arpa", "localdomain")
#: IPv6 addresses that lead to the IPv4 address in their last 32 bits, or (6to4) after the first 16.
_NAT64, _NAT64_LOCAL, _COMPATIBLE, _6TO4 = map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "2002::/16"))


#: Not for everybody, whatever Python's version says of them: of protocols and documentation, and a platform's own.
_RESERVED = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "168.63.129.16/32", "3fff::/20")))


class UrlRefused(ValueError):
    """A sentence about an address that no webhook may have."""


class Target(NamedTuple):
    """Where a webhook is sent. `path`: with the query."""

    is_tls: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """For the header field Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.is_tls else "http"] else f"{host}:{self.port}"


def parse(url: str, *, allow_private: bool) -> Target:
    """Checks what can be seen without asking for the name. Raises UrlRefused."""
    if len(url) > MAX_LENGTH or not url.isascii() or any(char <= " " or char in '\x7f"<>\\^`{|}' for char in url):
        raise UrlRefused(f"is not a URL of at most {MAX_LENGTH} ASCII characters: encode other letters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UrlRefused("is not a URL") from None
    if parts.scheme not in _PORTS:
        raise UrlRefused("does not begin with https:// or http://")
    if "@" in parts.netloc:
        raise UrlRefused("has a user name or password: signatures show who sends")
    if "#" in url:
        raise UrlRefused("has a fragment, which is never sent")
    if not host or port == 0 or "%" in host:
        raise UrlRefused("names no host")
    if not allow_private and _is_local(host):
        raise UrlRefused("is not a public address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, port or _PORTS[parts.scheme], path)


def is_public(address: str) -> bool:
    """Whether an address, as the resolver returns it, is one of the whole internet; of the address that it leads to, if it carries
    another one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return all(_is_public(one) for one in _with_embedded(parsed))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (
        any(address in network for network in _RESERVED)
        or address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback or address.is_link_local
        or getattr(address, "is_site_local", False)
    )  # fmt: skip


def _with_embedded(address: IPv4Address | IPv6Address) -> Iterable[IPv4Address | IPv6Address]:
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64:
        return [last]
    if address in _NAT64_LOCAL or address in _COMPATIBLE:
        return [IPv4Address(0)]  # of one network alone
    if address in _6TO4:
        return [address, IPv4Address((int(address) >> 80) & 0xFFFFFFFF)]
    return [address]


def _is_local(host: str) -> bool:
    """Whether a host is an address that is not public, in any of the ways to write one, or a name that only means one."""
    name = host.rstrip(".").lower()
    if any(name == local or name.endswith(f".{local}") for local in _LOCAL_NAMES):
        return True
    try:  # as the resolver reads 127.1, 0x7f000001, 017700000001 and 2130706433
        return not is_public(socket.inet_ntoa(socket.inet_aton(name)))
    except OSError:
        return ":" in name and not is_public(name)
