"""Booking as a guest: how an event takes guests, guests' contacts, and the codes that prove their addresses.

The tables are described in `accounts/tables.py` and `projections/catalogue.py`; tests compare them. The version of the catalogue
rises, so that workers of the last release, which do not set `guest_checkout`, stop.
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

#: The projection's row is updated first, since a projector locks it: it ends before the table changes, and no other one starts.
UP = """
UPDATE projections SET version = 3 WHERE name = 'catalogue';
ALTER TABLE catalogue_events ADD COLUMN guest_checkout TEXT DEFAULT 'off' NOT NULL;
ALTER TABLE accounts ADD COLUMN guest_of UUID;
CREATE UNIQUE INDEX uq_accounts_proven_guests ON accounts (guest_of, contact_email)
    WHERE guest_of IS NOT NULL AND email_proven_at IS NOT NULL;
CREATE TABLE contact_codes (
    id UUID NOT NULL,
    email TEXT NOT NULL,
    browser_hash BYTEA NOT NULL,
    issue INTEGER NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_contact_codes PRIMARY KEY (id),
    CONSTRAINT uq_contact_codes_browser_hash_email UNIQUE (browser_hash, email)
);
CREATE INDEX ix_contact_codes_expires_at ON contact_codes (expires_at);
"""
#: The last release reads the first two formats of snapshots.
DOWN = """
UPDATE projections SET version = 2 WHERE name = 'catalogue';
DELETE FROM ledger_snapshots WHERE topic NOT IN ('event-snapshot/1', 'event-snapshot/2');
ALTER TABLE catalogue_events DROP COLUMN guest_checkout;
DROP INDEX uq_accounts_proven_guests;
ALTER TABLE accounts DROP COLUMN guest_of;
DROP TABLE contact_codes;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
