"""The outbox, and the positions of those who fill it. The tables are described in `ledger/outbox.py`; a test compares the two."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE outbox (
    id UUID NOT NULL,
    number BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    recipient_id UUID NOT NULL,
    event_id UUID,
    booking_id UUID,
    position BIGINT,
    details JSONB NOT NULL,
    state TEXT DEFAULT 'due' NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    error TEXT,
    CONSTRAINT pk_outbox PRIMARY KEY (id),
    CONSTRAINT uq_outbox_number UNIQUE (number),
    CONSTRAINT ck_outbox_state CHECK (state IN ('due', 'sent', 'failed', 'skipped', 'held'))
);
CREATE INDEX ix_outbox_due ON outbox (channel, due_at, number) WHERE state = 'due';
CREATE INDEX ix_outbox_order ON outbox (recipient_id, event_id, number) WHERE state = 'due';
CREATE INDEX ix_outbox_booking_id_number ON outbox (booking_id, number);
CREATE INDEX ix_outbox_settled_at ON outbox (settled_at);
CREATE TABLE subscriptions (
    name TEXT NOT NULL,
    position BIGINT NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    failed_position BIGINT,
    error TEXT,
    CONSTRAINT pk_subscriptions PRIMARY KEY (name)
);
CREATE TABLE mailbox (
    id UUID NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    content BYTEA NOT NULL,
    CONSTRAINT pk_mailbox PRIMARY KEY (id)
);
CREATE INDEX ix_mailbox_received_at ON mailbox (received_at);
"""

DOWN = """
DROP TABLE mailbox;
DROP TABLE subscriptions;
DROP TABLE outbox;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
