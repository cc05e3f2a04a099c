"""Whether everybody reads the tables that are compared: whoever owns the database may have put others before them."""

from sqlalchemy import Engine, text

from projections.proof.verify_entries import AlterationFound, Finding
from projections.registry import PROJECTORS

#: A plain table, found by its name alone, with nothing that adds, hides or replaces rows.
_PLAIN = text("""
    SELECT count(*) FROM pg_class WHERE oid = to_regclass(:name) AND oid = to_regclass(:full) AND relkind = 'r'
        AND NOT relrowsecurity AND NOT relhasrules
        AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = oid OR inhrelid = oid)""")
_OTHERS = ("ledger_entries", "ledger_snapshots", "projections", "projection_digests", "audit_checkpoints", "audit_signing")


def check_tables(engine: Engine) -> None:
    """Raises AlterationFound."""
    read = [model.__tablename__ for projector in PROJECTORS.values() for model in projector.tables]
    with engine.connect() as connection:
        for name in (*_OTHERS, *read):
            if connection.scalar(_PLAIN, {"name": name, "full": f"public.{name}"}) != 1:
                sentence = (
                    f"{name}: not the plain table public.{name}: another of that name, rows of others, or rules stand before it."
                )
                raise AlterationFound(Finding(name, "all", None, None, None, sentence))
