"""Cursors of lists that are ordered by a number."""

from ledger.errors import Malformed

MAX_NUMBER = 2**63 - 1


def number_before(cursor: str | None) -> int | None:
    """The number before which the page begins. Raises Malformed."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and int(cursor) <= MAX_NUMBER):
        raise Malformed("This cursor is not one of this list.", errors=[{"path": "cursor", "message": "unknown"}])
    return int(cursor)
