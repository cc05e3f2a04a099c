"""A function that decodes an entry for the audit routes, in the database: so streaming the ledger costs the API process little."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

#: Bytes that are not an entry are returned as they are: especially an altered ledger must be readable for auditors.
UP = """
CREATE FUNCTION ledger_read(state bytea, OUT body json, OUT at timestamptz, OUT actor uuid, OUT command uuid)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    body := convert_from(state, 'UTF8')::json;
    at := (body ->> 'at')::timestamptz;
    actor := (body ->> 'actor')::uuid;
    command := (body ->> 'command')::uuid;
EXCEPTION WHEN data_exception THEN
    body := json_build_object('unreadable', encode(state, 'base64'));
    at := NULL;
    actor := NULL;
    command := NULL;
END $$;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP FUNCTION ledger_read")
