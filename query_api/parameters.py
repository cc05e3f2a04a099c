"""The parameters of queries with their bounds, and cursors, which are opaque to clients."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from fastapi import Header, Query
from pydantic import AfterValidator, WithJsonSchema

from ledger.errors import Malformed
from ledger.field_types import Text, UtcTime, to_utc

MAX_POSITION = 2**63 - 1
MAX_LIMIT = 200
MAX_CURSOR = 300

T = TypeVar("T")


def _decodable(text: str) -> str:
    """The framework decodes bytes that are not UTF-8, such as surrogates, to U+FFFD."""
    if "\ufffd" in text:
        raise ValueError("is not valid UTF-8")
    return text


Search = Annotated[
    str,
    Text(10_000, at_least=0),
    AfterValidator(_decodable),
    WithJsonSchema({"type": "string", "maxLength": 10_000, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f\\ufffd]*$"}),
    Query(description="Searched literally, ignoring case."),
]
From = Annotated[UtcTime | None, Query(alias="from", description="RFC 3339; a time without an offset is UTC")]
To = Annotated[UtcTime | None, Query(alias="to", description="RFC 3339; a time without an offset is UTC")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=MAX_CURSOR, description="`next_cursor` of the previous page")]
AtLeast = Annotated[
    int | None,
    Header(
        alias="Ledger-Position",
        ge=0,
        le=MAX_POSITION,
        description="A position from a command's response: this response shows it or a later one, or is 503 after some seconds.",
    ),
]


def cursor_of(key: Any) -> str:
    """`key`: what the next page begins after."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read_cursor(cursor: str | None, key_type: type[T]) -> T | None:
    """The key in a cursor that `cursor_of` made; None without a cursor. Raises Malformed."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=key_type)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise _unknown_cursor() from None


def number_cursor(cursor: str | None) -> int | None:
    """Raises Malformed."""
    number = read_cursor(cursor, int)
    if number is not None and not 0 <= number <= MAX_POSITION:
        raise _unknown_cursor()
    return number


def event_cursor(cursor: str | None) -> tuple[datetime | None, UUID] | None:
    """The start of an event, None for an open date, and its id. Raises Malformed."""
    key = read_cursor(cursor, tuple[datetime | None, UUID])
    try:
        return key and (key[0] and to_utc(key[0]), key[1])
    except ValueError:
        raise _unknown_cursor() from None


def _unknown_cursor() -> Malformed:
    return Malformed("This cursor is not one of this list.", errors=[{"path": "cursor", "message": "unknown"}])


def split_page(rows: list[T], limit: int) -> tuple[list[T], bool]:
    """The rows of this page, and whether there are more. The query has to ask for `limit` + 1 rows."""
    return rows[:limit], len(rows) > limit
