"""Contacts that an account has claimed, and the issues of manage links. The tables are described in `accounts/tables.py`; a test
compares the two.

Processes of the last release find a claimed contact of an organizer as if nobody had claimed it.
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE accounts ADD COLUMN claimed_by UUID, DROP CONSTRAINT uq_accounts_contact_of_contact_email;
CREATE UNIQUE INDEX ix_accounts_unclaimed ON accounts (contact_of, contact_email) WHERE claimed_by IS NULL;
DROP INDEX uq_accounts_proven_guests;
CREATE UNIQUE INDEX uq_accounts_proven_guests ON accounts (guest_of, contact_email)
    WHERE guest_of IS NOT NULL AND email_proven_at IS NOT NULL AND claimed_by IS NULL;
CREATE INDEX ix_accounts_contact_email ON accounts (contact_email) WHERE contact_email IS NOT NULL;
CREATE INDEX ix_accounts_claimed_by ON accounts (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE TABLE manage_links (
    booking_id UUID NOT NULL,
    issue INTEGER NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_manage_links PRIMARY KEY (booking_id)
);
"""

#: Claimed contacts stay contacts, of no organizer.
DOWN = """
DROP TABLE manage_links;
UPDATE accounts SET contact_of = NULL, guest_of = NULL WHERE claimed_by IS NOT NULL;
DROP INDEX ix_accounts_unclaimed, ix_accounts_contact_email, ix_accounts_claimed_by, uq_accounts_proven_guests;
CREATE UNIQUE INDEX uq_accounts_proven_guests ON accounts (guest_of, contact_email)
    WHERE guest_of IS NOT NULL AND email_proven_at IS NOT NULL;
ALTER TABLE accounts DROP COLUMN claimed_by, ADD CONSTRAINT uq_accounts_contact_of_contact_email UNIQUE (contact_of, contact_email);
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
