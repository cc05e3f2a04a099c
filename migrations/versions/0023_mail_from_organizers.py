"""What organizers write to the attendees of an event, reminders, who wants neither, and addresses that mails came back from. The
tables are described in `ledger/outbox.py` and `accounts/tables.py`; a test compares the two."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE announcements (
    id UUID NOT NULL,
    number BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
    event_id UUID NOT NULL,
    sender_id UUID NOT NULL,
    audience TEXT NOT NULL,
    category INTEGER,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    has_reply_to BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE,
    recipients INTEGER,
    CONSTRAINT pk_announcements PRIMARY KEY (id),
    CONSTRAINT uq_announcements_number UNIQUE (number),
    CONSTRAINT ck_announcements_audience CHECK (audience IN ('all', 'checked-in', 'not-checked-in', 'myself')),
    CONSTRAINT ck_announcements_written CHECK ((written_at IS NULL) = (recipients IS NULL))
);
CREATE INDEX ix_announcements_event_id_number ON announcements (event_id, number);
CREATE INDEX ix_announcements_sender_id ON announcements (sender_id);
CREATE INDEX ix_announcements_created_at ON announcements (created_at);
CREATE INDEX ix_announcements_unwritten ON announcements (number) WHERE written_at IS NULL;
CREATE INDEX ix_outbox_announcement ON outbox ((details ->> 'announcement'), state) WHERE kind = 'announcement';
CREATE TABLE reminded_events (
    event_id UUID NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reminded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_reminded_events PRIMARY KEY (event_id, starts_at)
);
CREATE INDEX ix_reminded_events_starts_at ON reminded_events (starts_at);
CREATE TABLE mail_opt_outs (
    account_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_mail_opt_outs PRIMARY KEY (account_id),
    CONSTRAINT fk_mail_opt_outs_account_id FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
);
CREATE TABLE mail_bounces (
    account_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    reply TEXT NOT NULL,
    CONSTRAINT pk_mail_bounces PRIMARY KEY (account_id),
    CONSTRAINT fk_mail_bounces_account_id FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
);
"""

DOWN = """
DROP TABLE mail_bounces;
DROP TABLE mail_opt_outs;
DROP TABLE reminded_events;
DROP INDEX ix_outbox_announcement;
DROP TABLE announcements;
DELETE FROM outbox WHERE kind IN ('announcement', 'reminder');
DELETE FROM subscriptions WHERE name = 'reminders';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
