"""Webhooks and their deliveries. The tables are described in `ledger/webhooks.py`; a test compares the two."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE webhooks (
    id UUID NOT NULL,
    owner_id UUID NOT NULL,
    event_id UUID,
    url TEXT NOT NULL,
    types TEXT[] NOT NULL,
    secret BYTEA NOT NULL,
    previous_secret BYTEA,
    previous_until TIMESTAMP WITH TIME ZONE,
    state TEXT DEFAULT 'active' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    begins_after BIGINT NOT NULL,
    last_position BIGINT,
    failures INTEGER DEFAULT 0 NOT NULL,
    failing_since TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    taken_until TIMESTAMP WITH TIME ZONE,
    served_at TIMESTAMP WITH TIME ZONE,
    replay_from BIGINT,
    replay_until BIGINT,
    replay_previous BIGINT,
    CONSTRAINT pk_webhooks PRIMARY KEY (id),
    CONSTRAINT ck_webhooks_state CHECK (state IN ('active', 'paused', 'paused-by-failures', 'deleted'))
);
CREATE INDEX ix_webhooks_owner_id ON webhooks (owner_id);
CREATE TABLE webhook_deliveries (
    id UUID NOT NULL,
    number BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
    webhook_id UUID NOT NULL,
    type TEXT NOT NULL,
    position BIGINT,
    body TEXT NOT NULL,
    state TEXT DEFAULT 'due' NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tried_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    status INTEGER,
    milliseconds INTEGER,
    error TEXT,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id),
    CONSTRAINT uq_webhook_deliveries_number UNIQUE (number),
    CONSTRAINT webhook_deliveries_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES webhooks (id),
    CONSTRAINT ck_webhook_deliveries_state CHECK (state IN ('due', 'sent', 'failed', 'skipped', 'held'))
);
CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (webhook_id, position, number) WHERE state = 'due';
CREATE INDEX ix_webhook_deliveries_webhook_id_number ON webhook_deliveries (webhook_id, number);
CREATE INDEX ix_webhook_deliveries_created_at ON webhook_deliveries (created_at);
"""

DOWN = """
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
