"""How many connections one address may have open to this process."""

from uvicorn.middleware.proxy_headers import _TrustedHosts

from ledger.client_address import client_key
from ledger.client_limits import OpenLimiter


class ConnectionLimiter:
    """Counts open connections by address. Those of trusted proxies, which carry everybody's requests, are not counted."""

    def __init__(self, limit: int, trusted_proxies: str) -> None:
        """`limit`: of one address; 0 is no limit. `trusted_proxies`: as FORWARDED_ALLOW_IPS."""
        self._trusted, self._open = _TrustedHosts(trusted_proxies), OpenLimiter(limit)

    def add(self, client: tuple[str, int] | None) -> str | None:
        """Counts a connection, until `remove` is called with what this returns. None, without counting it: it is one too many."""
        if client is None or client[0] in self._trusted:
            return ""
        key = client_key(client[0])
        return key if self._open.add(key) else None

    def remove(self, key: str | None) -> None:
        if key:
            self._open.remove(key)
