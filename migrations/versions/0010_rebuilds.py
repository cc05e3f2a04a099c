"""The progress of rebuilds, the findings of verifications, and digests of projections for time travel."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE rebuilds (
    name TEXT NOT NULL,
    started_from BIGINT NOT NULL,
    position BIGINT NOT NULL,
    target BIGINT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_rebuilds PRIMARY KEY (name)
);
CREATE TABLE verifications (
    finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    position BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    finding TEXT,
    CONSTRAINT pk_verifications PRIMARY KEY (finished_at)
);
CREATE TABLE projection_digests (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    position BIGINT NOT NULL,
    rows TEXT NOT NULL,
    CONSTRAINT pk_projection_digests PRIMARY KEY (name, version, position)
);
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP TABLE rebuilds, verifications, projection_digests")
