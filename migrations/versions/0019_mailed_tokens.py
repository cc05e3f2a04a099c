"""Tokens that people get by mail, former addresses, which mails go first, and how many an address gets. The tables are described in `accounts/tables.py` and
`ledger/outbox.py`; a test compares the two."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE outbox ADD COLUMN priority SMALLINT DEFAULT 0 NOT NULL;
DROP INDEX ix_outbox_due;
CREATE INDEX ix_outbox_due ON outbox (channel, priority, due_at, number) WHERE state = 'due';
DELETE FROM mailbox;
ALTER TABLE mailbox ADD COLUMN recipient TEXT NOT NULL, ADD COLUMN subject TEXT NOT NULL;
CREATE TABLE mail_counts (
    address BYTEA NOT NULL,
    hour TIMESTAMP WITH TIME ZONE NOT NULL,
    count INTEGER NOT NULL,
    CONSTRAINT pk_mail_counts PRIMARY KEY (address, hour)
);
CREATE INDEX ix_mail_counts_hour ON mail_counts (hour);
CREATE TABLE mailed_tokens (
    id UUID NOT NULL,
    purpose TEXT NOT NULL,
    account_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_mailed_tokens PRIMARY KEY (id),
    CONSTRAINT ck_mailed_tokens_purpose CHECK (purpose IN ('reset-password', 'sign-in', 'verify-email'))
);
CREATE INDEX ix_mailed_tokens_account_id ON mailed_tokens (account_id);
CREATE INDEX ix_mailed_tokens_expires_at ON mailed_tokens (expires_at);
CREATE TABLE former_addresses (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    email TEXT NOT NULL,
    replaced_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_former_addresses PRIMARY KEY (id),
    CONSTRAINT fk_former_addresses_account_id FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
);
CREATE INDEX ix_former_addresses_account_id ON former_addresses (account_id);
CREATE INDEX ix_former_addresses_replaced_at ON former_addresses (replaced_at);
"""

DOWN = """
DROP TABLE former_addresses;
DROP TABLE mailed_tokens;
DROP TABLE mail_counts;
ALTER TABLE mailbox DROP COLUMN recipient, DROP COLUMN subject;
DROP INDEX ix_outbox_due;
ALTER TABLE outbox DROP COLUMN priority;
CREATE INDEX ix_outbox_due ON outbox (channel, due_at, number) WHERE state = 'due';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
