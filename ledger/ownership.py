"""Whether the role of DATABASE_URL owns the ledger (migrations/roles.py has the two roles)."""

import logging
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

log = logging.getLogger(__name__)

_OWNS = """
    SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('public.ledger_entries')"""
_RUNTIME_ROLE = """
    SELECT pg_get_userbyid(relowner) FROM pg_class
    WHERE oid = to_regclass('public.availability_events') AND pg_get_userbyid(relowner) <> session_user"""


class RuntimeRoleUnknown(Exception):
    """One sentence, for the terminal."""


def warn_of_owner(connection: psycopg.Connection[Any]) -> None:
    """Says so, if this process could change the ledger."""
    row = connection.execute(_OWNS).fetchone()
    if row is not None and row[0]:
        log.warning("The role of DATABASE_URL owns the ledger and could change it: RUNTIME_DATABASE_URL gives processes another")


def runtime_role(database_url: str) -> str | None:
    """Who owns the read tables, if it isn't the role of this address. Raises psycopg's errors."""
    with psycopg.connect(database_url, application_name="seatledger-check") as connection:
        row = connection.execute(_RUNTIME_ROLE).fetchone()
    return None if row is None else str(row[0])


def runtime_address(database_url: str, runtime_database_url: str) -> str:
    """The address for what reads or writes read tables: `database_url`, unless that is the owner's and there is a runtime role.

    A function that the runtime role left behind an index, a trigger or a default of its tables has the rights of who is logged in,
    whatever role the session has set: it can set another one. So these must be the runtime role's. Raises RuntimeRoleUnknown;
    psycopg's errors."""
    role = runtime_role(database_url)
    if role is None:
        return database_url
    if not runtime_database_url:
        sentence = f"The read tables belong to {role}: set DATABASE_URL to the address that the processes have, or add"
        raise RuntimeRoleUnknown(f"{sentence} RUNTIME_DATABASE_URL.")
    if conninfo_to_dict(runtime_database_url).get("user") != role:
        raise RuntimeRoleUnknown(f"RUNTIME_DATABASE_URL is not the address of {role}, to whom the read tables belong.")
    return runtime_database_url
