"""Whether PostgreSQL keeps what it has acknowledged. With one of these settings off, a crash of the server or of its machine may
lose bookings that customers were told about, or damage the database (docs/decisions/0050)."""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg

from ledger.settings import SettingsError

log = logging.getLogger(__name__)

#: Their values in a session: `synchronous_commit` may be set for a role or in DATABASE_URL. Each other value of it waits for the
#: server's own disk at least.
_NAMES = ("fsync", "full_page_writes", "synchronous_commit")
#: An expression: the names of those that are off.
UNSAFE_SETTINGS = f"ARRAY(SELECT name FROM unnest(ARRAY{list(_NAMES)}) AS name WHERE current_setting(name) = 'off')"


class UnsafeDatabase(SettingsError):
    """The message is one sentence, for the terminal."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"{describe(names)}: a crash would lose bookings that were acknowledged. Switch on what is off;"
            " for tests and demos set ALLOW_UNSAFE_DATABASE=1."
        )


def describe(names: Sequence[str]) -> str:
    return f"PostgreSQL runs with {', '.join(f'{name}=off' for name in names)}"


def check_durability(connection: psycopg.Connection[Any], *, is_unsafe_allowed: bool) -> None:
    """Raises UnsafeDatabase; where `is_unsafe_allowed`, logs it."""
    row = connection.execute(f"SELECT {UNSAFE_SETTINGS}".encode()).fetchone()
    names = row[0] if row else []
    if names and not is_unsafe_allowed:
        raise UnsafeDatabase(names)
    if names:
        log.warning("%s: a crash would lose bookings, which ALLOW_UNSAFE_DATABASE permits", describe(names))
