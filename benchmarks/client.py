"""One client alone, on one connection that is kept."""

import http.client
from collections.abc import Mapping

from benchmarks.processes import HOST


class Client:
    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=10)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: str | None = None) -> tuple[int, str | None]:
        """The status and the Ledger-Position."""
        self._connection.request(method, path, body, headers=dict(headers))
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("Ledger-Position")
