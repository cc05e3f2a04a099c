"""Secrets in the database that must be read again: encrypted with a key of KEYS_DIR, and bound to what they are of."""

import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class Unsealable(RuntimeError):
    """It was sealed with a key that is not in KEYS_DIR, or changed."""


class Sealer:
    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys`, of 32 bytes: the first encrypts, all decrypt."""
        self._ciphers = [AESGCM(key) for key in keys]

    def seal(self, owner: bytes, secret: bytes) -> bytes:
        """`owner`: what the secret is of; it is opened with the same."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, secret, owner)

    def open(self, owner: bytes, sealed: bytes) -> bytes:
        """Raises Unsealable."""
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, content, owner)
            except (InvalidTag, ValueError):
                continue
        raise Unsealable("A secret can't be decrypted: it was encrypted with a key that is not in KEYS_DIR, or changed.")
