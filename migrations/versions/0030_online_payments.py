"""Paying online: payments that were started, refunds, and what a hold is paid with.

The tables are described in `projections/payments.py` and `availability.py`; tests compare them. The versions of the projections that
are changed rise, so that workers of the last release, which can't read the entries, stop. Nothing was paid online before, but there
may be refunds: their rows are made from the entries.

`demo_payments` is what the provider of the demo knows, as others have a server for it. `unplaced_money` is what a provider has
received for no payment of ours: somebody has to place it.
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

#: The projections' rows are updated first: see 0026.
UP = """
UPDATE projections SET version = 5 WHERE name = 'availability';
UPDATE projections SET version = 2 WHERE name = 'payments';
ALTER TABLE holds
    ADD COLUMN payment_id UUID,
    ADD COLUMN payment_method TEXT,
    ADD COLUMN payable_until TIMESTAMP WITH TIME ZONE,
    ADD CONSTRAINT ck_holds_payment_is_whole CHECK (num_nulls(payment_id, payment_method, payable_until) IN (0, 3));
ALTER TABLE payments ADD COLUMN failure TEXT DEFAULT '' NOT NULL;
ALTER TABLE money_movements
    DROP CONSTRAINT ck_money_movements_kind,
    ADD CONSTRAINT ck_money_movements_kind CHECK (kind IN ('started', 'received', 'owed', 'paid-back', 'failed'));
CREATE TABLE started_payments (
    payment_id UUID NOT NULL,
    event_id UUID NOT NULL,
    hold_id UUID NOT NULL,
    customer_id UUID,
    method TEXT NOT NULL,
    amount BIGINT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    payable_until TIMESTAMP WITH TIME ZONE NOT NULL,
    is_received BOOLEAN NOT NULL,
    CONSTRAINT pk_started_payments PRIMARY KEY (payment_id)
);
CREATE INDEX ix_started_payments_open ON started_payments (method, payable_until) WHERE NOT is_received;
CREATE TABLE refunds (
    refund_id UUID NOT NULL,
    event_id UUID NOT NULL,
    payment_id UUID NOT NULL,
    amount BIGINT NOT NULL,
    paid BIGINT NOT NULL,
    failure TEXT NOT NULL,
    CONSTRAINT pk_refunds PRIMARY KEY (refund_id),
    CONSTRAINT ck_refunds_paid_within_amount CHECK (paid BETWEEN 0 AND amount)
);
CREATE INDEX ix_refunds_open ON refunds (payment_id) WHERE paid < amount OR failure <> '';
INSERT INTO refunds
    WITH about AS (
        SELECT originator_id, topic, convert_from(state, 'UTF8')::jsonb AS body FROM ledger_entries
        WHERE originator_id IN (SELECT event_id FROM payments WHERE owed > 0) AND topic IN ('refund-owed/1', 'refund-paid/1')
            AND notification_id <= (SELECT position FROM projections WHERE name = 'payments')
    ), paid AS (
        SELECT body ->> 'refund_id' AS refund_id, sum((body ->> 'amount')::bigint) AS amount
        FROM about WHERE topic = 'refund-paid/1' GROUP BY 1
    )
    SELECT (body ->> 'refund_id')::uuid, originator_id, (body ->> 'payment_id')::uuid, (body ->> 'amount')::bigint,
        coalesce(paid.amount, 0), ''
    FROM about LEFT JOIN paid ON paid.refund_id = body ->> 'refund_id' WHERE topic = 'refund-owed/1';
CREATE TABLE demo_payments (
    payment_id UUID NOT NULL,
    event_id UUID NOT NULL,
    hold_id UUID NOT NULL,
    description TEXT NOT NULL,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    state TEXT NOT NULL,
    paid_at TIMESTAMP WITH TIME ZONE,
    takes_refunds BOOLEAN NOT NULL,
    CONSTRAINT pk_demo_payments PRIMARY KEY (payment_id),
    CONSTRAINT ck_demo_payments_state CHECK (state IN ('open', 'declined', 'paid'))
);
CREATE TABLE demo_refunds (
    refund_id UUID NOT NULL,
    payment_id UUID NOT NULL,
    amount BIGINT NOT NULL,
    paid_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_demo_refunds PRIMARY KEY (refund_id),
    CONSTRAINT fk_demo_refunds_demo_payments FOREIGN KEY (payment_id) REFERENCES demo_payments (payment_id)
);
CREATE TABLE unplaced_money (
    method TEXT NOT NULL,
    object TEXT NOT NULL,
    payment_id UUID,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    reason TEXT NOT NULL,
    noted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_unplaced_money PRIMARY KEY (method, object)
);
"""
DOWN = """
UPDATE projections SET version = 4 WHERE name = 'availability';
UPDATE projections SET version = 1 WHERE name = 'payments';
DROP TABLE unplaced_money;
DROP TABLE demo_refunds;
DROP TABLE demo_payments;
DROP TABLE refunds;
DROP TABLE started_payments;
DELETE FROM money_movements WHERE kind IN ('started', 'failed');
ALTER TABLE money_movements
    DROP CONSTRAINT ck_money_movements_kind,
    ADD CONSTRAINT ck_money_movements_kind CHECK (kind IN ('received', 'owed', 'paid-back'));
ALTER TABLE payments DROP COLUMN failure;
ALTER TABLE holds DROP COLUMN payment_id, DROP COLUMN payment_method, DROP COLUMN payable_until;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
