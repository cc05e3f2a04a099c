"""Payments: what was received for bookings, what is owed and was paid back, and the postings of all that.

The tables are described in `projections/payments.py`, `postings.py`, `bookings.py`, `revenue.py` and `catalogue.py`; tests compare them. The
versions of the projections that are changed rise, so that workers of the last release, which can't read the entries, stop. The new
ones begin where `bookings` is: there are no payments before.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

#: The projections' rows are updated first: see 0026.
UP = """
UPDATE projections SET version = 4 WHERE name = 'bookings';
UPDATE projections SET version = 7 WHERE name = 'catalogue';
UPDATE projections SET version = 3 WHERE name = 'revenue';
ALTER TABLE revenue_events
    ADD COLUMN received BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN paid_back BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN due BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN refund_due BIGINT DEFAULT 0 NOT NULL;
ALTER TABLE catalogue_events ADD COLUMN payment_methods TEXT[] DEFAULT '{}' NOT NULL;
ALTER TABLE bookings
    ADD COLUMN to_pay BIGINT,
    ADD COLUMN received BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN paid_back BIGINT DEFAULT 0 NOT NULL,
    ADD CONSTRAINT ck_bookings_to_pay_within_total CHECK (to_pay BETWEEN 0 AND total),
    ADD CONSTRAINT ck_bookings_paid_back_within_received CHECK (paid_back BETWEEN 0 AND received);
CREATE TABLE payments (
    payment_id UUID NOT NULL,
    position BIGINT NOT NULL,
    event_id UUID NOT NULL,
    booking_id UUID NOT NULL,
    method TEXT NOT NULL,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    reference TEXT NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    owed BIGINT NOT NULL,
    paid_back BIGINT NOT NULL,
    CONSTRAINT pk_payments PRIMARY KEY (payment_id),
    CONSTRAINT uq_payments_position UNIQUE (position),
    CONSTRAINT ck_payments_owed_within_amount CHECK (owed BETWEEN 0 AND amount),
    CONSTRAINT ck_payments_paid_back_within_owed CHECK (paid_back BETWEEN 0 AND owed)
);
CREATE INDEX ix_payments_booking_id ON payments (booking_id);
CREATE INDEX ix_payments_event_id_position ON payments (event_id, position);
CREATE INDEX ix_payments_refund_due ON payments (event_id, position) WHERE paid_back < owed;
CREATE TABLE money_movements (
    position BIGINT NOT NULL,
    event_id UUID NOT NULL,
    booking_id UUID NOT NULL,
    payment_id UUID NOT NULL,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    method TEXT NOT NULL,
    reference TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor UUID,
    CONSTRAINT pk_money_movements PRIMARY KEY (position),
    CONSTRAINT ck_money_movements_kind CHECK (kind IN ('received', 'owed', 'paid-back')),
    CONSTRAINT ck_money_movements_amount_positive CHECK (amount > 0)
);
CREATE INDEX ix_money_movements_booking_id_position ON money_movements (booking_id, position);
CREATE TABLE postings (
    position BIGINT NOT NULL,
    line SMALLINT NOT NULL,
    event_id UUID NOT NULL,
    booking_id UUID,
    account TEXT NOT NULL,
    method TEXT NOT NULL,
    amount BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_postings PRIMARY KEY (position, line),
    CONSTRAINT ck_postings_account CHECK (account IN ('receivable', 'cash', 'deferred-revenue', 'revenue', 'refunds-payable')),
    CONSTRAINT ck_postings_amount_not_0 CHECK (amount <> 0)
);
CREATE INDEX ix_postings_event_id_position_line ON postings (event_id, position, line);
CREATE TABLE posting_balances (
    event_id UUID NOT NULL,
    account TEXT NOT NULL,
    method TEXT NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT pk_posting_balances PRIMARY KEY (event_id, account, method)
);
INSERT INTO projections (name, version, position, updated_at)
    SELECT new.name, 1, bookings.position, now() FROM projections AS bookings, (VALUES ('payments'), ('postings')) AS new (name)
    WHERE bookings.name = 'bookings';
"""
DOWN = """
UPDATE projections SET version = 3 WHERE name = 'bookings';
UPDATE projections SET version = 6 WHERE name = 'catalogue';
UPDATE projections SET version = 2 WHERE name = 'revenue';
DELETE FROM projections WHERE name IN ('payments', 'postings');
DELETE FROM set_aside WHERE name IN ('payments', 'postings');
DROP TABLE posting_balances;
DROP TABLE postings;
DROP TABLE money_movements;
DROP TABLE payments;
ALTER TABLE bookings DROP COLUMN to_pay, DROP COLUMN received, DROP COLUMN paid_back;
ALTER TABLE catalogue_events DROP COLUMN payment_methods;
ALTER TABLE revenue_events DROP COLUMN received, DROP COLUMN paid_back, DROP COLUMN due, DROP COLUMN refund_due;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
