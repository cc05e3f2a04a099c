"""What PostgreSQL says, for the terminal."""

import psycopg


def one_line(error: BaseException | None) -> str:
    """What PostgreSQL or libpq says, which may have several lines and never holds a password."""
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return " ".join((said or str(error)).split())
