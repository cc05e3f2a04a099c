"""The outbox by event and by recipient, for organizers who look up what was sent. The table is described in `ledger/outbox.py`; a
test compares the two."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

UP = """
CREATE INDEX ix_outbox_event_id_number ON outbox (event_id, number);
CREATE INDEX ix_outbox_recipient_id_event_id_number ON outbox (recipient_id, event_id, number);
"""

DOWN = """
DROP INDEX ix_outbox_event_id_number, ix_outbox_recipient_id_event_id_number;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
