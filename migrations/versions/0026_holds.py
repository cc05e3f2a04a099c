"""Holds: how many seats of a category are held, the holds, and for how long an event's seats are held.

The tables are described in `projections/availability.py` and `projections/catalogue.py`; tests compare them. The versions of both
projections rise, so that workers of the last release, which do not write the new columns, stop.
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

#: The projections' rows are updated first, since a projector locks its own: it ends before the tables change, and no other one
#: starts.
UP = """
UPDATE projections SET version = 2 WHERE name = 'availability';
UPDATE projections SET version = 4 WHERE name = 'catalogue';
ALTER TABLE catalogue_events ADD COLUMN hold_minutes INTEGER DEFAULT 15 NOT NULL;
ALTER TABLE availability_events ADD COLUMN is_open BOOLEAN DEFAULT true NOT NULL;
UPDATE availability_events SET is_open = false FROM catalogue_events
    WHERE catalogue_events.event_id = availability_events.event_id AND catalogue_events.status <> 'active';
ALTER TABLE availability_categories
    ADD COLUMN held INTEGER DEFAULT 0 NOT NULL,
    ADD CONSTRAINT ck_availability_categories_held_not_negative CHECK (held >= 0),
    DROP COLUMN available;
ALTER TABLE availability_categories
    ADD COLUMN available INTEGER GENERATED ALWAYS AS (capacity - taken - held) STORED NOT NULL,
    ADD CONSTRAINT ck_availability_categories_never_oversold CHECK (available >= 0);
CREATE TABLE holds (
    hold_id UUID NOT NULL,
    event_id UUID NOT NULL,
    version BIGINT NOT NULL,
    customer_id UUID,
    held_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    extensions INTEGER NOT NULL,
    status TEXT NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_holds PRIMARY KEY (hold_id),
    CONSTRAINT fk_holds_availability_events FOREIGN KEY (event_id) REFERENCES availability_events (event_id) ON DELETE CASCADE,
    CONSTRAINT ck_holds_status CHECK (status IN ('open', 'confirmed', 'released', 'lapsed')),
    CONSTRAINT ck_holds_ended_when CHECK ((status = 'open') = (ended_at IS NULL))
);
CREATE INDEX ix_holds_open ON holds (expires_at) WHERE status = 'open';
CREATE INDEX ix_holds_event_id_version ON holds (event_id, version);
CREATE TABLE hold_lines (
    hold_id UUID NOT NULL,
    category SMALLINT NOT NULL,
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    unit_price BIGINT NOT NULL,
    CONSTRAINT pk_hold_lines PRIMARY KEY (hold_id, category),
    CONSTRAINT fk_hold_lines_holds FOREIGN KEY (hold_id) REFERENCES holds (hold_id) ON DELETE CASCADE,
    CONSTRAINT ck_hold_lines_quantity_positive CHECK (quantity > 0)
);
"""
#: The last release reads the first three formats of snapshots.
DOWN = """
UPDATE projections SET version = 1 WHERE name = 'availability';
UPDATE projections SET version = 3 WHERE name = 'catalogue';
DELETE FROM ledger_snapshots WHERE topic NOT IN ('event-snapshot/1', 'event-snapshot/2', 'event-snapshot/3');
DROP TABLE hold_lines;
DROP TABLE holds;
ALTER TABLE availability_categories DROP COLUMN available;
ALTER TABLE availability_categories
    DROP COLUMN held,
    ADD COLUMN available INTEGER GENERATED ALWAYS AS (capacity - taken) STORED NOT NULL,
    ADD CONSTRAINT ck_availability_categories_never_oversold CHECK (available >= 0);
ALTER TABLE availability_events DROP COLUMN is_open;
ALTER TABLE catalogue_events DROP COLUMN hold_minutes;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
