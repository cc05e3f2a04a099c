"""Error messages of PostgreSQL, for the terminal."""

import psycopg


def one_line(error: BaseException | None) -> str:
    """The message of PostgreSQL or libpq, which may have several lines, in one. It never contains a password."""
    message = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return " ".join((message or str(error)).split())
