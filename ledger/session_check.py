"""Whether a connection to the database is a session of PostgreSQL's own.

A pooler in between, such as PgBouncer, may refuse or drop the settings that bound each statement, and in transaction mode gives
each transaction another session, which does not have the statements that were prepared. So such an address is refused at the start.
"""

import psycopg

from ledger.postgres_connections import connection_parameters
from ledger.settings import Settings, SettingsError

#: An unlikely value, in ms.
_STATEMENT_TIMEOUT = 86_399_000
_REFUSAL = (
    "{name} leads to a connection pooler that does not pass on the settings of a session, such as PgBouncer. Seatledger pools its"
    " connections itself: give it the address of PostgreSQL."
)


def check_sessions(settings: Settings) -> None:
    """Raises SettingsError for the address of a pooler. Says nothing of a database that is unavailable at the moment."""
    for name in ("database_url", "database_read_url"):
        if (url := getattr(settings, name)) and not _is_session(url):
            raise SettingsError(_REFUSAL.format(name=name.upper()))


def _is_session(database_url: str) -> bool:
    parameters = connection_parameters(database_url, "seatledger-check")
    parameters["options"] += f" -c statement_timeout={_STATEMENT_TIMEOUT}"  # after those of the URL
    try:
        with psycopg.connect(**parameters, autocommit=True) as connection:
            row = connection.execute("SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'").fetchone()
    except psycopg.OperationalError as error:
        return "unsupported startup parameter" not in str(error)
    return row == (_STATEMENT_TIMEOUT,)
