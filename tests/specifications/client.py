"""A client of one of the five APIs, as a user who only knows its specification would write it."""

import json
import time
from typing import Any

import httpx

from tests.running_system import JSON, SEEN_SECONDS, Stack

#: Ids that never exist, of each kind that a path may hold.
UNKNOWN_NUMBERS = ("0", "-1", "999999999", str(2**63 - 1), str(2**63), str(10**40))
NOT_NUMBERS = ("abc", "1.5", "%00", "null", "é")


#: What a list says that lacks what was done before.
_BEHIND = "The latest changes are not visible yet"


class Client:
    def __init__(self, stack: Stack, api: str, **headers: str) -> None:
        self._stack, self._api, self._headers = stack, api, headers
        self.url = f"{stack.url}/compat/{api}"

    def with_headers(self, **headers: str) -> "Client":
        return Client(self._stack, self._api, **{**self._headers, **headers})

    def do(self, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
        headers = {name.replace("_", "-"): value for name, value in self._headers.items()}
        content = None if body is None else json.dumps(body)  # as ASCII, which can express what UTF-8 can't
        if content is not None:
            headers["Content-Type"] = "application/json"

        def respond() -> httpx.Response:
            return self._stack.http.request(method, f"{self.url}{path}", content=content, params=query or None, headers=headers)

        deadline = time.monotonic() + SEEN_SECONDS
        while _BEHIND in (response := respond()).text and time.monotonic() < deadline:
            pass  # however slow the machine is: the request itself waits for some two seconds
        return response

    def ok(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        response = self.do(method, path, body, **query)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def refused(self, status: int, method: str, path: str, body: Any = None) -> JSON:
        response = self.do(method, path, body)
        assert response.status_code == status, response.text
        said: JSON = response.json()
        return said
