"""Events that a projection has set aside: one entry that can't be applied stops one Event in one projection, not all of them."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE set_aside (
    name TEXT NOT NULL,
    event_id UUID NOT NULL,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    error TEXT NOT NULL,
    set_aside_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_set_aside PRIMARY KEY (name, event_id)
);
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP TABLE set_aside")
