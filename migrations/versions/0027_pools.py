"""Pools: capacities that categories share.

The tables are described in `projections/availability.py`; tests compare them. The versions of the projections that handle pools
rise, so that workers of the last release, which can't read their entries, stop.
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

#: The projections' rows are updated first: see 0026.
UP = """
UPDATE projections SET version = 3 WHERE name = 'availability';
UPDATE projections SET version = 5 WHERE name = 'catalogue';
ALTER TABLE availability_categories ADD COLUMN pool SMALLINT;
CREATE TABLE availability_pools (
    event_id UUID NOT NULL,
    pool SMALLINT NOT NULL,
    name TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    held INTEGER NOT NULL,
    available INTEGER GENERATED ALWAYS AS (capacity - taken - held) STORED NOT NULL,
    CONSTRAINT pk_availability_pools PRIMARY KEY (event_id, pool),
    CONSTRAINT ck_availability_pools_never_oversold CHECK (available >= 0),
    CONSTRAINT fk_availability_pools_availability_events
        FOREIGN KEY (event_id) REFERENCES availability_events (event_id) ON DELETE CASCADE
);
"""
#: The last release reads the first four formats of snapshots.
DOWN = """
UPDATE projections SET version = 2 WHERE name = 'availability';
UPDATE projections SET version = 4 WHERE name = 'catalogue';
DELETE FROM ledger_snapshots
    WHERE topic NOT IN ('event-snapshot/1', 'event-snapshot/2', 'event-snapshot/3', 'event-snapshot/4');
DROP TABLE availability_pools;
ALTER TABLE availability_categories DROP COLUMN pool;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
