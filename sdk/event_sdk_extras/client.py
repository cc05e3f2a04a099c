"""The generated ApiClient with idempotency keys, safe retries and reads of its own writes."""

import random
import secrets
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import urllib3

from event_sdk.api.accounts_api import AccountsApi
from event_sdk.api_client import ApiClient
from event_sdk.api_response import ApiResponse
from event_sdk.configuration import Configuration
from event_sdk.exceptions import ApiException
from event_sdk.models.account import Account
from event_sdk.models.log_in import LogIn
from event_sdk.rest import RESTResponse
from event_sdk_extras.errors import typed

#: Statuses after which a retry with the same key is safe: nothing was executed, or the key returns the outcome.
RETRY_STATUSES = (429, 503)
PAUSE_SECONDS = 0.2
MAX_PAUSE_SECONDS = 3.0
#: These take no Idempotency-Key.
_WITHOUT_KEY = ("/api/signup", "/api/login", "/api/logout", "/api/contacts/verify", "/api/contacts/confirm")


class Client(ApiClient):
    """Pass it to the generated APIs instead of `ApiClient()`: `EventsApi(Client())`.

    - Each command gets a new `Idempotency-Key`, unless you send one.
    - Queries, and commands with a key, are retried after a broken connection, 503 or 429, for at most `patience_seconds`. Commands
      without a key are retried only after 429.
    - Without a log-in its keys and codes belong to its random `guest_secret`: keep that to try again from elsewhere.
    - A query sees the effects of this client's earlier commands.
    - Error responses are exceptions with the problem: `SoldOut`, `CustomerLimit`, … (`event_sdk_extras.errors`).
    """

    def __init__(self, host: str | None = None, *, patience_seconds: float = 15.0, timeout_seconds: float = 10.0) -> None:
        """`host`: `https://…`, by default the server in the OpenAPI document."""
        super().__init__(Configuration(host=host, retries=urllib3.Retry(0, redirect=0)))
        self._patience, self._timeout = patience_seconds, timeout_seconds
        self._position = 0
        self.guest_secret = secrets.token_urlsafe(32)

    def log_in(self, email: str, password: str) -> Account:
        """Logs in: from now on this client sends the account's token."""
        session = AccountsApi(self).log_in(LogIn(email=email, password=password))
        self.configuration.access_token = session.access_token
        return session.account

    def call_api(
        self,
        method: str,
        url: str,
        header_params: Any = None,
        body: Any = None,
        post_params: Any = None,
        _request_timeout: Any = None,
    ) -> RESTResponse:
        headers = {"User-Agent": "event-sdk"} | dict(header_params or {})
        changes = method not in ("GET", "HEAD")
        if changes and not url.endswith(_WITHOUT_KEY):
            headers.setdefault("Idempotency-Key", uuid4().hex)
        if changes and not self.configuration.access_token:
            headers.setdefault("Guest-Secret", self.guest_secret)
        if not changes and self._position and "/api/" in url:
            headers.setdefault("Ledger-Position", str(self._position))
        safe = not changes or "Idempotency-Key" in headers
        deadline, pause = time.monotonic() + self._patience, PAUSE_SECONDS
        while True:
            wait = random.uniform(pause, 2 * pause)  # noqa: S311 - so that clients do not all retry at once
            try:
                response = super().call_api(method, url, headers, body, post_params, _request_timeout or self._timeout)
            except urllib3.exceptions.HTTPError:
                if not safe or time.monotonic() + wait > deadline:
                    raise
            else:
                retries = response.status == 429 or (safe and response.status in RETRY_STATUSES)
                wait += _retry_after(response.headers)
                if not retries or time.monotonic() + wait > deadline:
                    if changes:
                        self._position = max(self._position, int(response.headers.get("Ledger-Position", 0)))
                    return response
                response.response.drain_conn()
                response.response.release_conn()
            time.sleep(wait)
            pause = min(pause * 2, MAX_PAUSE_SECONDS)

    def response_deserialize(self, response_data: RESTResponse, response_types_map: Any = None) -> ApiResponse[Any]:
        try:
            return super().response_deserialize(response_data, response_types_map)
        except ApiException as error:
            raise typed(error) from None


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return float(headers.get("Retry-After", 0))
    except ValueError:
        return 0.0
