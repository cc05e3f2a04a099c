"""An append must follow the entry that its writer built upon: else a process whose memory is of a lost history would leave a gap in
the stream. And projections count their rebuilds, so that a process notices that the tables were replaced.

`ledger_look` (0005) stays for processes of the last release."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

#: As in 0001.
ORDERING_LOCK = 0x536561746C656467

#: `known_streams` and `known_macs`: the MAC of the entry that the writer of a stream built upon ('': it has none). Where a stream is
#: not named, as by processes of the last release, only its version is compared. The scalar subquery is an index lookup for each
#: stream, whatever the planner thinks of the sizes.
UP = f"""
DROP FUNCTION ledger_append;
CREATE FUNCTION ledger_append(
    streams uuid[], versions bigint[], topics text[], states bytea[], macs bytea[] DEFAULT NULL,
    known_streams uuid[] DEFAULT NULL, known_macs bytea[] DEFAULT NULL
) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE outdated uuid;
BEGIN
    PERFORM pg_advisory_xact_lock({ORDERING_LOCK});
    SELECT run.stream INTO outdated
    FROM (
        SELECT one.stream, min(one.version) AS first, max(one.version) - min(one.version) + 1 = count(*) AS is_dense
        FROM unnest(streams, versions) AS one (stream, version) GROUP BY one.stream
    ) AS run LEFT JOIN unnest(known_streams, known_macs) AS known (stream, mac) ON known.stream = run.stream
    WHERE NOT run.is_dense OR run.first > 1 AND (
        SELECT known.mac IS NULL OR known.mac = coalesce(entry.mac, '') FROM ledger_entries AS entry
        WHERE entry.originator_id = run.stream AND entry.originator_version = run.first - 1
    ) IS NOT TRUE
    LIMIT 1;
    IF FOUND THEN
        RAISE unique_violation USING MESSAGE = 'stream ' || outdated || ' does not end with the entry that this append follows';
    END IF;
    RETURN QUERY
        INSERT INTO ledger_entries (originator_id, originator_version, topic, state, mac)
        SELECT run.stream, run.version, run.topic, run.state, run.mac
        FROM unnest(streams, versions, topics, states, macs) WITH ORDINALITY AS run (stream, version, topic, state, mac, place)
        ORDER BY place
        RETURNING notification_id;
END $$;

CREATE FUNCTION ledger_lock_and_read(streams uuid[], versions bigint[], most integer)
RETURNS TABLE (stream uuid, version bigint, topic text, state bytea, mac bytea, "position" bigint)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({ORDERING_LOCK});
    RETURN QUERY
        SELECT known.stream, later.* FROM unnest(streams, versions) AS known (stream, version), LATERAL (
            SELECT entry.originator_version, entry.topic, entry.state, entry.mac, entry.notification_id FROM ledger_entries AS entry
            WHERE entry.originator_id = known.stream AND entry.originator_version >= known.version
            ORDER BY entry.originator_version LIMIT most) AS later;
END $$;

ALTER TABLE projections ADD COLUMN rebuilds BIGINT NOT NULL DEFAULT 0;
"""

DOWN = f"""
ALTER TABLE projections DROP COLUMN rebuilds;
DROP FUNCTION ledger_lock_and_read;
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


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
