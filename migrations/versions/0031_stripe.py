"""Which payment intent of Stripe is that of a payment: `providers/stripe.py`."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE stripe_payments (
    payment_id UUID NOT NULL,
    intent_id TEXT NOT NULL,
    payable_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_stripe_payments PRIMARY KEY (payment_id)
);
"""
DOWN = "DROP TABLE stripe_payments"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
