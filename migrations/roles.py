"""Two roles: the owner of the ledger, as which migrations and operators' commands connect; and the runtime role, as which processes
do. The runtime role may append to the ledger by the function `ledger_append`, and neither change it nor its triggers. It owns the
read tables, since a rebuild replaces them. Everything else it may read, and change rows of.

One role for both works, too: then nothing separates them, and the processes say so when they start.
"""

from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import Connection, text

#: What projectors write (a test compares them with the registry).
READ_TABLES = frozenset(
    {
        "audit_amendments", "audit_leaves", "audit_tiles", "availability_categories", "availability_events",
        "availability_pools", "booking_events", "bookings", "catalogue_categories", "catalogue_events", "code_batches",
        "code_holds", "hold_lines", "holds", "money_movements", "payments", "posting_balances", "postings", "refunds",
        "revenue_categories", "revenue_events", "revenue_hours", "started_payments", "tickets",
    }
)  # fmt: skip
#: What the runtime role may do with a table, where it is not all of SELECT, INSERT, UPDATE and DELETE.
_RIGHTS = {
    "ledger_entries": "SELECT", "alembic_version": "SELECT", "audit_checkpoints": "SELECT, INSERT",
    "account_trail": "SELECT, INSERT, DELETE",
}  # fmt: skip
_ALL_ROWS = "SELECT, INSERT, UPDATE, DELETE"

_TABLES = text("""
    SELECT relname, pg_get_userbyid(relowner) AS owner FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname""")
_SHADOWS = text(r"SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname ~ '^(rebuild|verification)_[a-z_]+$'")
_SEQUENCES = text("""
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' AND relname <> 'ledger_entries_notification_id_seq'""")


class RoleMissing(Exception):
    """One sentence, for the terminal."""


def _owners(connection: Connection) -> dict[str, str]:
    """The owner of each table."""
    return {row.relname: row.owner for row in connection.execute(_TABLES)}


def runtime_role(connection: Connection) -> str | None:
    """The runtime role that the database has; None: one role owns everything."""
    owners = _owners(connection)
    owner = owners.get("ledger_entries")
    return next((owners[name] for name in sorted(READ_TABLES & owners.keys()) if owners[name] != owner), None)


def set_up(connection: Connection, runtime_url: str) -> None:
    """Makes the role of that address, unless there is one, and gives it its rights. Without an address: those of the role that the
    database has already, for tables that are new. In the transaction of the migrations. Raises RoleMissing."""
    parameters = conninfo_to_dict(runtime_url) if runtime_url else {}
    role = str(parameters.get("user") or "") if runtime_url else runtime_role(connection)
    if not role or role == connection.scalar(text("SELECT current_user")) or not _has_ledger(connection):
        return
    if runtime_url:
        _make_role(connection, role, str(parameters.get("password") or ""))
    _grant(connection, role)


def _has_ledger(connection: Connection) -> bool:
    return connection.scalar(text("SELECT to_regprocedure('swap_read_tables(text, text[])')")) is not None


def _make_role(connection: Connection, role: str, password: str) -> None:
    """The owner becomes a member of it, so that it can go on altering the read tables."""
    name = Identifier(role)
    exists = connection.scalar(text("SELECT true FROM pg_roles WHERE rolname = :role"), {"role": role})
    driver = connection.connection.driver_connection
    assert driver is not None
    secret = driver.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode() if password else None
    try:
        with connection.begin_nested():
            with_password = SQL("PASSWORD {}").format(Literal(secret)) if secret else SQL("")
            verb = SQL("ALTER ROLE") if exists else SQL("CREATE ROLE")
            driver.execute(SQL("{} {} LOGIN {}").format(verb, name, with_password))
    except Exception as error:
        if not isinstance(error, InsufficientPrivilege):
            raise
        if not exists:
            sentence = f"There is no role {role}, and the owner may not make it: make it, and the owner a member of it."
            raise RoleMissing(sentence) from error
    if not connection.scalar(text("SELECT pg_has_role(current_user, :role, 'USAGE')"), {"role": role}):
        driver.execute(SQL("GRANT {} TO CURRENT_USER").format(name))


def _grant(connection: Connection, role: str) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    name = Identifier(role)
    driver.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    driver.execute(SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
    owners = _owners(connection)
    moving = [table for table, owner in owners.items() if table in READ_TABLES and owner != role]
    if moving:  # who becomes the owner must be allowed to create tables there
        driver.execute(SQL("GRANT CREATE ON SCHEMA public TO {}").format(name))
        for table in moving:
            driver.execute(SQL("ALTER TABLE public.{} OWNER TO {}").format(Identifier(table), name))
        driver.execute(SQL("REVOKE CREATE ON SCHEMA public FROM {}").format(name))
    for table in owners.keys() - READ_TABLES:
        rights = SQL(_RIGHTS.get(table, _ALL_ROWS))
        driver.execute(SQL("GRANT {} ON public.{} TO {}").format(rights, Identifier(table), name))
    for (sequence,) in connection.execute(_SEQUENCES):
        driver.execute(SQL("GRANT USAGE, SELECT ON SEQUENCE public.{} TO {}").format(Identifier(sequence), name))
    # To read it, for a dump: `nextval` and `setval` need more.
    driver.execute(SQL("GRANT SELECT ON SEQUENCE public.ledger_entries_notification_id_seq TO {}").format(name))
    for function in ("ledger_append", "shadow_schema", "swap_read_tables"):
        driver.execute(SQL("GRANT EXECUTE ON FUNCTION public.{} TO {}").format(Identifier(function), name))
    for schema, owner in connection.execute(_SHADOWS):  # left by a process that was killed
        if owner != role:
            driver.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))
