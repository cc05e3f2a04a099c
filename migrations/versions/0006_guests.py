"""Guests, the users of the other APIs on the same ledger, and their tokens.

The tables are described in `accounts/tables.py`; a test compares the two.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "guests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("api", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text()),
        sa.Column("phone", sa.Text()),
        sa.Column("role", sa.Text()),
        sa.Column("password_hash", sa.Text()),
        sa.Column("created_at", _TIME, nullable=False, server_default=_NOW),
        sa.PrimaryKeyConstraint("id", name="pk_guests"),
        sa.UniqueConstraint("number", name="uq_guests_number"),
        sa.UniqueConstraint("api", "handle", name="uq_guests_api_handle"),
        sa.CheckConstraint("role IN ('customer', 'admin')", name="ck_guests_role"),
    )
    op.create_index("ix_guests_api_email", "guests", ["api", "email"])
    op.create_index("ix_guests_api_number", "guests", ["api", "number"])
    op.create_table(
        "guest_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("guest_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False, server_default=_NOW),
        sa.PrimaryKeyConstraint("token_hash", name="pk_guest_tokens"),
        sa.ForeignKeyConstraint(["guest_id"], ["guests.id"], name="fk_guest_tokens_guest_id", ondelete="CASCADE"),
    )
    op.create_index("ix_guest_tokens_guest_id_created_at", "guest_tokens", ["guest_id", "created_at"])


def downgrade() -> None:
    op.drop_table("guest_tokens")
    op.drop_table("guests")
