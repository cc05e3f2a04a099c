"""Each entry has a MAC (ledger/macs.py), except earlier ones and those that `psql` loads from a file."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

#: As in 0001.
ORDERING_LOCK = 0x536561746C656467

UP = f"""
ALTER TABLE ledger_entries ADD COLUMN mac bytea;
DROP FUNCTION ledger_append;
CREATE FUNCTION ledger_append(streams uuid[], versions bigint[], topics text[], states bytea[], macs bytea[] DEFAULT NULL)
RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({ORDERING_LOCK});
    RETURN QUERY
        INSERT INTO ledger_entries (originator_id, originator_version, topic, state, mac)
        SELECT run.stream, run.version, run.topic, run.state, run.mac
        FROM unnest(streams, versions, topics, states, macs) WITH ORDINALITY AS run (stream, version, topic, state, mac, place)
        ORDER BY place
        RETURNING notification_id;
END $$;
"""

DOWN = f"""
DROP FUNCTION ledger_append;
CREATE FUNCTION ledger_append(streams uuid[], versions bigint[], topics text[], states bytea[]) RETURNS SETOF bigint
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({ORDERING_LOCK});
    RETURN QUERY
        INSERT INTO ledger_entries (originator_id, originator_version, topic, state)
        SELECT stream, version, topic, state
        FROM unnest(streams, versions, topics, states) WITH ORDINALITY AS run (stream, version, topic, state, place)
        ORDER BY place
        RETURNING notification_id;
END $$;
ALTER TABLE ledger_entries DROP COLUMN mac;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
