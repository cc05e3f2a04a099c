"""The Merkle tree over the ledger, which a worker fills from position 0; its checkpoints, and the state of their signing."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

#: Hashes can't be compressed, and positions are read and written too often: PostgreSQL should not try to compress either.
UP = """
CREATE TABLE audit_tiles (
    level SMALLINT NOT NULL,
    tile BIGINT NOT NULL,
    hashes BYTEA NOT NULL,
    CONSTRAINT pk_audit_tiles PRIMARY KEY (level, tile),
    CONSTRAINT ck_audit_tiles_hashes CHECK (octet_length(hashes) % 32 = 0 AND octet_length(hashes) BETWEEN 32 AND 8192)
);
ALTER TABLE audit_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;
CREATE TABLE audit_leaves (
    tile BIGINT NOT NULL,
    first_position BIGINT NOT NULL,
    positions BYTEA NOT NULL,
    latest TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_audit_leaves PRIMARY KEY (tile),
    CONSTRAINT ck_audit_leaves_positions CHECK (octet_length(positions) % 8 = 0 AND octet_length(positions) BETWEEN 8 AND 2048)
);
ALTER TABLE audit_leaves ALTER COLUMN positions SET STORAGE PLAIN;
CREATE INDEX ix_audit_leaves_first_position ON audit_leaves (first_position);
CREATE INDEX ix_audit_leaves_latest ON audit_leaves (latest);
CREATE TABLE audit_amendments (
    subject UUID NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_audit_amendments PRIMARY KEY (subject, version)
);
CREATE TABLE audit_checkpoints (
    origin TEXT NOT NULL,
    size BIGINT NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT pk_audit_checkpoints PRIMARY KEY (origin, size),
    CONSTRAINT ck_audit_checkpoints_size_positive CHECK (size > 0)
);
CREATE TABLE audit_signing (
    one SMALLINT NOT NULL,
    origin TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_audit_signing PRIMARY KEY (one),
    CONSTRAINT ck_audit_signing_one CHECK (one = 1),
    CONSTRAINT ck_audit_signing_state CHECK (state IN ('signing', 'forgotten', 'inconsistent'))
);

INSERT INTO projections (name, version, position, updated_at) VALUES ('audit', 1, 0, now());
"""

DOWN = """
DELETE FROM projections WHERE name = 'audit';
DROP TABLE audit_signing;
DROP TABLE audit_checkpoints;
DROP TABLE audit_amendments;
DROP TABLE audit_leaves;
DROP TABLE audit_tiles;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
