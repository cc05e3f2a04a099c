"""Checks that queries read the tables that are compared: the database's owner may have put others of the same name before them."""

from sqlalchemy import Engine, text

from projections.proof.verify_entries import AlterationFound, Finding
from projections.registry import PROJECTORS

#: 1 for a plain table that is found by its name alone and has nothing that adds, hides or replaces rows.
_PLAIN = text("""
    SELECT count(*) FROM pg_class WHERE oid = to_regclass(:name) AND oid = to_regclass(:full) AND relkind = 'r'
        AND NOT relrowsecurity AND NOT relhasrules
        AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = oid OR inhrelid = oid)""")
_OTHER_TABLES = (
    "ledger_entries",
    "ledger_snapshots",
    "projections",
    "set_aside",
    "projection_digests",
    "audit_checkpoints",
    "audit_signing",
)


def check_tables(engine: Engine) -> None:
    """Raises AlterationFound."""
    read = [model.__tablename__ for projector in PROJECTORS.values() for model in projector.tables]
    with engine.connect() as connection:
        for name in (*_OTHER_TABLES, *read):
            if connection.scalar(_PLAIN, {"name": name, "full": f"public.{name}"}) != 1:
                fault = f"not the plain table public.{name}: another table of that name, inherited rows, or rules are in its place"
                raise AlterationFound(Finding(name, "all", None, None, None, f"{name}: {fault}."))
