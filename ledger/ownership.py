"""Whether the role of DATABASE_URL owns the ledger (migrations/roles.py has the two roles)."""

import logging
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import psycopg

from ledger.postgres_connections import connection_parameters

log = logging.getLogger(__name__)

_OWNS = """
    SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('public.ledger_entries')"""
_RUNTIME_ROLE = """
    SELECT pg_get_userbyid(relowner) FROM pg_class
    WHERE oid = to_regclass('public.availability_events') AND pg_get_userbyid(relowner) <> current_user"""


def warn_of_owner(database_url: str) -> None:
    """Says so, if this process could change the ledger; nothing if the database is unavailable now."""
    try:
        with psycopg.connect(**connection_parameters(database_url, "seatledger-check")) as connection:
            row = connection.execute(_OWNS).fetchone()
    except psycopg.OperationalError:
        return
    if row is not None and row[0]:
        log.warning("The role of DATABASE_URL owns the ledger and could change it: RUNTIME_DATABASE_URL gives processes another")


def as_runtime_role(database_url: str) -> str:
    """The address with which its role, the owner, acts as the runtime role: what it makes belongs to that, and what that left in
    the database is not executed with the owner's rights. Without a runtime role, the same address. Raises psycopg's errors."""
    with psycopg.connect(database_url, application_name="seatledger-check") as connection:
        row = connection.execute(_RUNTIME_ROLE).fetchone()
    if row is None:
        return database_url
    parts = urlsplit(database_url)
    parameters = dict(parse_qsl(parts.query))
    parameters["options"] = f"{parameters.get('options', '')} -c role={row[0]}".lstrip()
    return parts._replace(query=urlencode(parameters, quote_via=quote)).geturl()
