"""`Idempotency-Key`: a command's id is fixed before its first try, so that every retry is the same command."""

import re
from uuid import UUID, uuid4

import msgspec

from ledger.derived_ids import derived_id
from ledger.errors import Malformed

#: The namespace of command ids. Changing it would let a retry of any earlier command be executed again.
_COMMANDS = UUID("6f1c1d0e-5f0b-4a57-9d0a-5ea71ed6e500")
_encode = msgspec.json.Encoder().encode
_KEY = re.compile(r"[ -~]{1,255}")


def command_id(principal_id: UUID | None, method: str, path: str, key: str | None) -> UUID:
    """The same id for the same principal, route and key, in every process and release; a random id without a key.

    Raises Malformed for a key that is not 1 to 255 printable ASCII characters."""
    if key is None:
        return uuid4()
    if not _KEY.fullmatch(key):
        message = "must be 1 to 255 printable ASCII characters"
        raise Malformed(f"Idempotency-Key {message}.", errors=[{"path": "Idempotency-Key", "message": message}])
    # JSON separates the parts: no other path and key give the same text.
    return derived_id(_COMMANDS, _encode([principal_id, method, path, key]))
