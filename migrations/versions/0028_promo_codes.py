"""Promo codes: their batches, what was ordered with them, and which categories need one.

And the seats that pools do not let be sold, for statistics. The tables are described in `projections/codes.py`, `catalogue.py`,
`bookings.py`, `revenue.py` and `availability.py`; tests compare them. The versions of the projections that are changed rise, so that
workers of the last release, which can't read the entries, stop. The new one begins where the last of the others is: there are no
codes before.
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

#: The projections' rows are updated first: see 0026.
UP = """
UPDATE projections SET version = 4 WHERE name = 'availability';
UPDATE projections SET version = 6 WHERE name = 'catalogue';
UPDATE projections SET version = 3 WHERE name = 'bookings';
UPDATE projections SET version = 2 WHERE name = 'revenue';
ALTER TABLE catalogue_events ADD COLUMN codes TEXT;
ALTER TABLE revenue_events ADD COLUMN pools TEXT, ADD COLUMN beyond_pools INTEGER DEFAULT 0 NOT NULL;
ALTER TABLE hold_lines ADD COLUMN amount BIGINT;
ALTER TABLE tickets ADD COLUMN list_price BIGINT;
CREATE TABLE code_batches (
    event_id UUID NOT NULL,
    batch SMALLINT NOT NULL,
    effect TEXT NOT NULL,
    value BIGINT NOT NULL,
    count INTEGER NOT NULL,
    max_tickets INTEGER NOT NULL,
    categories SMALLINT[] NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE,
    valid_until TIMESTAMP WITH TIME ZONE,
    prefix TEXT NOT NULL,
    word TEXT NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    held INTEGER NOT NULL,
    booked INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    discount BIGINT NOT NULL,
    gross BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    CONSTRAINT pk_code_batches PRIMARY KEY (event_id, batch),
    CONSTRAINT ck_code_batches_held_not_negative CHECK (held >= 0),
    CONSTRAINT ck_code_batches_cancelled_within_booked CHECK (cancelled BETWEEN 0 AND booked),
    CONSTRAINT ck_code_batches_refunded_within_gross CHECK (refunded BETWEEN 0 AND gross),
    CONSTRAINT ck_code_batches_never_overused CHECK (booked - cancelled + held <= count::BIGINT * max_tickets)
);
CREATE TABLE code_holds (
    hold_id UUID NOT NULL,
    event_id UUID NOT NULL,
    batch SMALLINT NOT NULL,
    tickets INTEGER NOT NULL,
    CONSTRAINT pk_code_holds PRIMARY KEY (hold_id)
);
CREATE INDEX ix_code_holds_event_id ON code_holds (event_id);
INSERT INTO projections (name, version, position, updated_at)
    SELECT 'codes', 1, min(position), now() FROM projections WHERE name IN ('availability', 'catalogue', 'bookings');
"""
DOWN = """
UPDATE projections SET version = 3 WHERE name = 'availability';
UPDATE projections SET version = 5 WHERE name = 'catalogue';
UPDATE projections SET version = 2 WHERE name = 'bookings';
UPDATE projections SET version = 1 WHERE name = 'revenue';
DELETE FROM projections WHERE name = 'codes';
DELETE FROM set_aside WHERE name = 'codes';
DROP TABLE code_holds;
DROP TABLE code_batches;
ALTER TABLE tickets DROP COLUMN list_price;
ALTER TABLE hold_lines DROP COLUMN amount;
ALTER TABLE catalogue_events DROP COLUMN codes;
ALTER TABLE revenue_events DROP COLUMN pools, DROP COLUMN beyond_pools;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
