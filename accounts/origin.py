"""Who sends a command about accounts, and from where, as coarse as it is stored: networks, kinds of clients."""

import re
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

import msgspec

#: The first that is found names the client: browsers name each other.
_BROWSERS = {
    "Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet", "FxiOS": "Firefox", "Firefox": "Firefox",
    "CriOS": "Chrome", "Chrome": "Chrome", "Safari": "Safari",
}  # fmt: skip
_SYSTEMS = {
    "Windows": "Windows", "Android": "Android", "iPhone": "iOS", "iPad": "iOS", "Mac OS X": "macOS", "CrOS": "ChromeOS",
    "Linux": "Linux",
}  # fmt: skip
_PROGRAM = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,29}")


class Origin(msgspec.Struct, frozen=True):
    """`actor_id`: the account that acts; None: somebody without an account, or the operator. `network` and `client` as `network_of`
    and `describe_client` tell."""

    actor_id: UUID | None = None
    network: str | None = None
    client: str | None = None


#: The operator CLI, and what runs by itself.
OPERATOR = Origin()


def network_of(address: str) -> str | None:
    """The network to which an address belongs: /24 or /48, which tells a town rather than a person. None: it is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    return str(ip_network((int(parsed), 48) if isinstance(parsed, IPv6Address) else (str(parsed), 24), strict=False))


def describe_client(user_agent: str) -> str | None:
    """The kind of a client, such as "Firefox on Windows", or the name of a program, without versions."""
    browser = next((name for mark, name in _BROWSERS.items() if f"{mark}/" in user_agent), None)
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), None)
    if browser and system:
        return f"{browser} on {system}"
    program = _PROGRAM.match(user_agent)
    return browser or (program[0] if program else None)
