"""Signatures as Standard Webhooks says (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)."""

import secrets as randomness
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from hmac import digest

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    return PREFIX + b64encode(randomness.token_bytes(_BYTES)).decode()


def headers(secrets: Sequence[str], id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three header fields of a delivery, with a signature by each secret. `timestamp`: of this try, in seconds."""
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_sign(secret, id_, timestamp, body) for secret in secrets),
    }


def _sign(secret: str, id_: str, timestamp: int, body: bytes) -> str:
    key = b64decode(secret.removeprefix(PREFIX))
    return "v1," + b64encode(digest(key, b"%s.%d.%s" % (id_.encode(), timestamp, body), sha256)).decode()
