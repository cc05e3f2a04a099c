"""Snapshots carry a MAC (ledger/macs.py), and one without is ignored. So they are all taken again, also those of streams that have
not grown."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE ledger_snapshots ADD COLUMN mac bytea;
UPDATE projections SET position = 0 WHERE name = 'snapshots';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("ALTER TABLE ledger_snapshots DROP COLUMN mac")
