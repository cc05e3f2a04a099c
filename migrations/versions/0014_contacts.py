"""Contacts: customers of the box office, who had accounts without a password. Their address is no log-in, so it is not unique:
who signs up with it gets an account of their own. And guests can be erased.

The tables are described in `accounts/tables.py`; a test compares the two. Processes of the last release show bookings of contacts
without the customer, and still make accounts without a password.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE accounts
    ADD COLUMN email_proven_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN contact_email TEXT,
    ADD COLUMN contact_of UUID,
    ADD CONSTRAINT uq_accounts_contact_of_contact_email UNIQUE (contact_of, contact_email);
UPDATE accounts SET contact_email = email, email = NULL
    WHERE email IS NOT NULL AND password_hash IS NULL AND role = 'customer';
ALTER TABLE guests ADD COLUMN erased_at TIMESTAMP WITH TIME ZONE;
"""

#: Of several contacts with one address, the oldest gets it back, unless somebody signed up with it. The others are as if erased.
DOWN = """
UPDATE accounts SET email = oldest.contact_email
    FROM (SELECT DISTINCT ON (contact_email) id, contact_email FROM accounts WHERE contact_email IS NOT NULL
          ORDER BY contact_email, created_at, id) AS oldest
    WHERE accounts.id = oldest.id AND NOT EXISTS (SELECT FROM accounts AS other WHERE other.email = oldest.contact_email);
ALTER TABLE accounts DROP COLUMN email_proven_at, DROP COLUMN contact_email, DROP COLUMN contact_of;
ALTER TABLE guests DROP COLUMN erased_at;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
