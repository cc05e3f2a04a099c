"""Accounts, their tokens, and the commands about them.

The tables are described in `accounts/tables.py`; a test compares the two.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text()),
        sa.Column("phone", sa.Text()),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("disabled", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("created_at", _TIME, nullable=False, server_default=_NOW),
        sa.Column("access_changed_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("email", name="uq_accounts_email"),
        sa.CheckConstraint("role IN ('customer', 'organizer', 'auditor', 'admin')", name="ck_accounts_role"),
    )
    op.create_index("ix_accounts_created_at_id", "accounts", ["created_at", "id"])
    changed = sa.text("access_changed_at IS NOT NULL")
    op.create_index("ix_accounts_access_changed_at", "accounts", ["access_changed_at"], postgresql_where=changed)
    op.create_index("ix_accounts_admins", "accounts", ["id"], postgresql_where=sa.text("role = 'admin'"))

    op.create_table(
        "tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False, server_default=_NOW),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME),
        sa.PrimaryKeyConstraint("token_hash", name="pk_tokens"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_tokens_account_id", ondelete="CASCADE"),
    )
    op.create_index("ix_tokens_account_id", "tokens", ["account_id"])
    op.create_index("ix_tokens_revoked_at", "tokens", ["revoked_at"], postgresql_where=sa.text("revoked_at IS NOT NULL"))
    op.create_index("ix_tokens_expires_at", "tokens", ["expires_at"])

    op.create_table(
        "account_commands",
        sa.Column("command_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.Column("at", _TIME, nullable=False, server_default=_NOW),
        sa.PrimaryKeyConstraint("command_id", name="pk_account_commands"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_account_commands_account_id",
            ondelete="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index("ix_account_commands_account_id", "account_commands", ["account_id"])


def downgrade() -> None:
    op.drop_table("account_commands")
    op.drop_table("tokens")
    op.drop_table("accounts")
