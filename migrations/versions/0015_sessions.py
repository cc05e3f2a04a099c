"""Where and when sessions were used, second factors, and the trail of accounts.

The tables are described in `accounts/tables.py`; a test compares the two.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE tokens
    ADD COLUMN id UUID NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN authenticated_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN last_seen_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN network TEXT,
    ADD COLUMN client TEXT;
CREATE TABLE second_factors (
    account_id UUID NOT NULL,
    secret BYTEA NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    last_step BIGINT DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_second_factors PRIMARY KEY (account_id),
    CONSTRAINT fk_second_factors_account_id FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
);
CREATE TABLE recovery_codes (
    account_id UUID NOT NULL,
    code_hash BYTEA NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (account_id, code_hash),
    CONSTRAINT fk_recovery_codes_account_id FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
);
CREATE TABLE account_trail (
    id BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    action TEXT NOT NULL,
    account_id UUID,
    actor_id UUID,
    network TEXT,
    role_before TEXT,
    role_after TEXT,
    count INTEGER,
    CONSTRAINT pk_account_trail PRIMARY KEY (id)
);
CREATE INDEX ix_account_trail_account_id_id ON account_trail (account_id, id);
CREATE INDEX ix_account_trail_at ON account_trail (at);
"""

DOWN = """
DROP TABLE account_trail;
DROP TABLE recovery_codes;
DROP TABLE second_factors;
ALTER TABLE tokens DROP COLUMN id, DROP COLUMN authenticated_at, DROP COLUMN last_seen_at, DROP COLUMN network, DROP COLUMN client;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
