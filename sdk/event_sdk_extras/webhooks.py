"""Verification of what Seatledger sends to webhooks, as https://www.standardwebhooks.com says.

verifier = WebhookVerifier("whsec_…")
told = verifier.verify(request.headers, request.body)  # raises InvalidSignature
"""

import json
import time
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Any

#: How far the clocks of sender and receiver may differ. An older request may be a copy that somebody kept.
TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"


class InvalidSignature(Exception):
    """The request is not from the Seatledger that has the secret, or is old: answer 401, and do nothing."""


class WebhookVerifier:
    """`secrets`: as shown when the webhook was made. While a secret is being changed: both."""

    def __init__(self, *secrets: str, now: Callable[[], float] = time.time) -> None:
        """Raises ValueError if a secret is not base64, or there is none."""
        try:
            self._keys = [b64decode(secret.removeprefix(_PREFIX), validate=True) for secret in secrets]
        except Error:
            raise ValueError("A secret of a webhook is base64, usually after whsec_.") from None
        if not all(self._keys) or not self._keys:
            raise ValueError("Give at least one secret.")
        self._now = now

    def verify(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """What the body says. `headers`: their names in any case; `body`: the bytes as they came. Raises InvalidSignature.

        A request may come twice: `headers["webhook-id"]` is the same then."""
        fields = {name.lower(): value for name, value in headers.items()}
        try:
            id_, timestamp, signatures = (fields[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        except KeyError as error:
            raise InvalidSignature(f"The header field {error} is missing.") from None
        if not (timestamp.isascii() and timestamp.isdigit()) or abs(self._now() - int(timestamp)) > TOLERANCE_SECONDS:
            raise InvalidSignature("The request is too old, or from the future.")
        content = b".".join((id_.encode("utf-8", "replace"), timestamp.encode(), body))
        expected = [digest(key, content, sha256) for key in self._keys]
        given = [_decode(signature) for version, _, signature in map(_split, signatures.split()) if version == "v1"]
        # All are compared: how long it takes says nothing about a signature.
        if not sum(compare_digest(ours, theirs) for ours in expected for theirs in given):
            raise InvalidSignature("No signature is by this secret.")
        parsed: dict[str, Any] = json.loads(body)
        return parsed


def _split(signature: str) -> tuple[str, str, str]:
    return signature.partition(",")


def _decode(signature: str) -> bytes:
    try:
        return b64decode(signature)
    except (Error, ValueError):
        return b""
