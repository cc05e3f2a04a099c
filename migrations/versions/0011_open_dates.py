"""Open dates, sales after the start (`past_at` is the time at which an event is past), and the time of the show.

Existing rows get their `past_at` here, without a rebuild. The versions of the projections rise, so that workers of the last release,
which do not set `past_at`, stop.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

#: The projections' rows are updated first, since a projector locks them: it ends before the tables change, and no other one starts.
UP = """
UPDATE projections SET version = 2 WHERE name IN ('catalogue', 'bookings');
ALTER TABLE catalogue_events ALTER COLUMN starts_at DROP NOT NULL, ADD COLUMN past_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN show_at TIMESTAMP WITH TIME ZONE;
UPDATE catalogue_events SET past_at = greatest(starts_at, sales_close_at);
ALTER TABLE booking_events ALTER COLUMN starts_at DROP NOT NULL, ADD COLUMN past_at TIMESTAMP WITH TIME ZONE;
UPDATE booking_events SET past_at = greatest(starts_at, (
    SELECT (convert_from(state, 'UTF8')::jsonb -> 'details' ->> 'sales_close_at')::timestamptz FROM ledger_entries
    WHERE originator_id = booking_events.event_id AND topic IN ('event-scheduled/1', 'event-details-changed/1')
        AND notification_id <= (SELECT position FROM projections WHERE name = 'bookings')
    ORDER BY originator_version DESC LIMIT 1));
ALTER TABLE revenue_events ALTER COLUMN starts_at DROP NOT NULL;
DROP INDEX ix_catalogue_events_organizer_id_starts_at_event_id, ix_catalogue_events_starts_at,
    ix_catalogue_events_status_starts_at_event_id;
CREATE INDEX ix_catalogue_events_status_listed
    ON catalogue_events (status, coalesce(starts_at, 'infinity'::timestamp with time zone), event_id);
CREATE INDEX ix_catalogue_events_organizer_listed
    ON catalogue_events (organizer_id, coalesce(starts_at, 'infinity'::timestamp with time zone), event_id);
CREATE INDEX ix_catalogue_events_listed
    ON catalogue_events (coalesce(starts_at, 'infinity'::timestamp with time zone), event_id);
CREATE INDEX ix_catalogue_events_lasting
    ON catalogue_events (coalesce(starts_at, 'infinity'::timestamp with time zone), event_id)
    WHERE past_at IS DISTINCT FROM starts_at;
"""
#: The last release has no open dates: they become the last day of the calendar. It reads the first format of snapshots only.
DOWN = """
UPDATE projections SET version = 1 WHERE name IN ('catalogue', 'bookings');
DELETE FROM ledger_snapshots WHERE topic <> 'event-snapshot/1';
DROP INDEX ix_catalogue_events_status_listed, ix_catalogue_events_organizer_listed, ix_catalogue_events_listed,
    ix_catalogue_events_lasting;
UPDATE catalogue_events SET starts_at = '9999-12-31 00:00+00' WHERE starts_at IS NULL;
ALTER TABLE catalogue_events ALTER COLUMN starts_at SET NOT NULL, DROP COLUMN past_at, DROP COLUMN show_at;
UPDATE booking_events SET starts_at = '9999-12-31 00:00+00' WHERE starts_at IS NULL;
ALTER TABLE booking_events ALTER COLUMN starts_at SET NOT NULL, DROP COLUMN past_at;
UPDATE revenue_events SET starts_at = '9999-12-31 00:00+00' WHERE starts_at IS NULL;
ALTER TABLE revenue_events ALTER COLUMN starts_at SET NOT NULL;
CREATE INDEX ix_catalogue_events_organizer_id_starts_at_event_id ON catalogue_events (organizer_id, starts_at, event_id);
CREATE INDEX ix_catalogue_events_starts_at ON catalogue_events (starts_at, event_id);
CREATE INDEX ix_catalogue_events_status_starts_at_event_id ON catalogue_events (status, starts_at, event_id);
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
