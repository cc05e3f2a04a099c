"""A function that takes the ordering lock and reads missed entries: the appender's first statement under contention."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: As in 0001.
ORDERING_LOCK = 0x536561746C656467

#: VOLATILE, the default: so its SELECT has a snapshot of its own, which is taken after the lock was acquired.
UP = f"""
CREATE FUNCTION ledger_look(streams uuid[], versions bigint[], most integer)
RETURNS TABLE (stream uuid, version bigint, topic text, state bytea, "position" bigint)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({ORDERING_LOCK});
    RETURN QUERY
        SELECT known.stream, missed.* FROM unnest(streams, versions) AS known (stream, version), LATERAL (
            SELECT entry.originator_version, entry.topic, entry.state, entry.notification_id FROM ledger_entries AS entry
            WHERE entry.originator_id = known.stream AND entry.originator_version > known.version
            ORDER BY entry.originator_version LIMIT most) AS missed;
END $$;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP FUNCTION ledger_look")
