"""A single HTTP client on one persistent connection."""

import http.client
from collections.abc import Mapping

from benchmarks.processes import HOST


class Client:
    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=10)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: str | None = None) -> tuple[int, str | None]:
        """Sends a request; returns the status and the Ledger-Position of the response."""
        self._connection.request(method, path, body, headers=dict(headers))
        response = self._connection.getresponse()
        response.read()
        return response.status, response.headers.get("Ledger-Position")
