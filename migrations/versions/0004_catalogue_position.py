"""`catalogue` stores the position at which each event changed. It is emptied, and a worker fills it again within seconds."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RESET = """
TRUNCATE catalogue_events CASCADE;
UPDATE projections SET position = 0 WHERE name = 'catalogue';
"""


def upgrade() -> None:
    op.execute(RESET)
    op.execute("ALTER TABLE catalogue_events ADD COLUMN position BIGINT NOT NULL")
    op.execute("CREATE INDEX ix_catalogue_events_position ON catalogue_events (position)")


def downgrade() -> None:
    op.execute("ALTER TABLE catalogue_events DROP COLUMN position")
