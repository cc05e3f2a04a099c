"""What a process asks of the database before it begins, on one connection for each address.

A connection must be a session of PostgreSQL's own. A pooler in between, such as PgBouncer, may refuse or drop the settings that
bound each statement, and in transaction mode gives each transaction another session, which does not have the statements that were
prepared. So such an address is refused at the start.
"""

from typing import Any

import psycopg

from ledger.durability import check_durability
from ledger.ownership import warn_of_owner
from ledger.postgres_connections import connection_parameters
from ledger.settings import Settings, SettingsError

#: An unlikely value, in ms. It bounds the statements here.
_STATEMENT_TIMEOUT = 2_917
_REFUSAL = (
    "{name} leads to a connection pooler that does not pass on the settings of a session, such as PgBouncer. Seatledger pools its"
    " connections itself: give it the address of PostgreSQL."
)


def check_database(settings: Settings) -> None:
    """Raises SettingsError for the address of a pooler, UnsafeDatabase where the database is not durable; logs that its role owns
    the ledger. Says nothing of a database that is unavailable at the moment: an appender asks again on each of its connections."""
    for name in ("database_url", "database_read_url"):
        if not (url := getattr(settings, name)):
            continue
        try:
            with psycopg.connect(**_parameters(url), autocommit=True) as connection:
                if not _is_session(connection):
                    raise SettingsError(_REFUSAL.format(name=name.upper()))
                if name == "database_url":
                    check_durability(connection, is_unsafe_allowed=settings.allow_unsafe_database)
                    warn_of_owner(connection)
        except psycopg.OperationalError as error:
            if "unsupported startup parameter" in str(error):
                raise SettingsError(_REFUSAL.format(name=name.upper())) from None


def _parameters(database_url: str) -> dict[str, Any]:
    parameters = connection_parameters(database_url, "seatledger-check")
    parameters["options"] += f" -c statement_timeout={_STATEMENT_TIMEOUT}"  # after those of the URL
    return parameters


def _is_session(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'").fetchone()
    return row == (_STATEMENT_TIMEOUT,)
