"""The ledger: entries, snapshots, the append function, and the trigger that prevents changes of entries.

The tables and `stored_event_uuid` are those of the eventsourcing library's PostgresApplicationRecorder.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: The same number as ledger.recorder.ORDERING_LOCK. It is repeated here because a migration must never change.
ORDERING_LOCK = 0x536561746C656467

UP = f"""
CREATE TABLE ledger_entries (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL CHECK (originator_version > 0),
    topic text NOT NULL,
    state bytea NOT NULL,
    notification_id bigserial NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
CREATE UNIQUE INDEX ledger_entries_notification_id_idx ON ledger_entries (notification_id);

CREATE TABLE ledger_snapshots (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL CHECK (originator_version > 0),
    topic text NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
);

CREATE TYPE stored_event_uuid AS (originator_id uuid, originator_version bigint, topic text, state bytea);

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

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % refused', TG_OP;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER append_only;
"""

DOWN = """
DROP TABLE ledger_entries;
DROP TABLE ledger_snapshots;
DROP FUNCTION ledger_append;
DROP FUNCTION ledger_is_append_only;
DROP TYPE stored_event_uuid;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
