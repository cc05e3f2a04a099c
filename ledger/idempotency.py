"""`Idempotency-Key`: a command's id is fixed before the first try, so that every later try is the same command."""

import re
from uuid import UUID, uuid4

import msgspec

from ledger.derived_ids import derived_id
from ledger.errors import Malformed

#: The name space of command ids. Changing it would let every command that was ever sent act once more.
_COMMANDS = UUID("6f1c1d0e-5f0b-4a57-9d0a-5ea71ed6e500")
_encode = msgspec.json.Encoder().encode
_KEY = re.compile(r"[ -~]{1,255}")


def command_id(principal_id: UUID | None, method: str, path: str, key: str | None) -> UUID:
    """The same id for the same principal, route and key, from any process and for ever; a random one without a key.

    Raises Malformed for a key that is not 1 to 255 printable ASCII characters."""
    if key is None:
        return uuid4()
    if not _KEY.fullmatch(key):
        message = "must be 1 to 255 printable ASCII characters"
        raise Malformed(f"Idempotency-Key {message}.", errors=[{"path": "Idempotency-Key", "message": message}])
    # JSON keeps the parts apart: no path and key can be shifted into another pair with the same text.
    return derived_id(_COMMANDS, _encode([principal_id, method, path, key]))
