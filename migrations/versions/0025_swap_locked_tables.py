"""`swap_read_tables` (0017) looks at the tables once it has their locks, too. Else a table could become a view while it waited for
them, and `ALTER TABLE … SET SCHEMA` moves views into `public` as well.

And a database that was restored from a backup gets back that not everybody may execute the functions of the owner."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

#: Looked at twice: first, so that nobody has other tables locked with the rights of the owner; then under the locks, when nothing
#: changes any more. READ COMMITTED: a transaction's snapshot would show tables as they were.
UP = r"""
CREATE OR REPLACE FUNCTION swap_read_tables(from_schema text, names text[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE name text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE invalid_transaction_state USING MESSAGE = 'read tables are swapped in a transaction that is READ COMMITTED';
    END IF;
    FOR look IN 1..2 LOOP
        IF from_schema !~ '^rebuild_[a-z_]+$' OR EXISTS (
            SELECT FROM unnest(names) AS swapped (name), unnest(ARRAY['public', from_schema]) AS of_schema (schema)
            WHERE NOT EXISTS (
                SELECT FROM pg_class WHERE relname = swapped.name AND relnamespace = to_regnamespace(schema) AND relkind = 'r'
                    AND relname NOT LIKE 'ledger\_%' AND pg_has_role(acting_role(), relowner, 'USAGE'))
        ) THEN
            RAISE insufficient_privilege USING MESSAGE = 'these are no read tables of ' || acting_role();
        END IF;
        IF look = 1 THEN
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', (
                SELECT string_agg(format('ONLY %I.%I', schema, swapped.name), ', ' ORDER BY place, swapped.name)
                FROM unnest(names) AS swapped (name), unnest(ARRAY['public', from_schema]) WITH ORDINALITY AS of_schema (schema, place)));
        END IF;
    END LOOP;
    EXECUTE 'DROP TABLE ' || (SELECT string_agg(format('public.%I', swapped.name), ', ') FROM unnest(names) AS swapped (name));
    FOREACH name IN ARRAY names LOOP
        EXECUTE format('ALTER TABLE %I.%I SET SCHEMA public', from_schema, name);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION ledger_append, shadow_schema, swap_read_tables FROM PUBLIC;
"""

#: As in 0017.
DOWN = r"""
CREATE OR REPLACE FUNCTION swap_read_tables(from_schema text, names text[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE name text;
BEGIN
    IF from_schema !~ '^rebuild_[a-z_]+$' OR EXISTS (
        SELECT FROM unnest(names) AS swapped (name), unnest(ARRAY['public', from_schema]) AS of_schema (schema)
        WHERE NOT EXISTS (
            SELECT FROM pg_class WHERE relname = swapped.name AND relnamespace = to_regnamespace(schema) AND relkind = 'r'
                AND relname NOT LIKE 'ledger\_%' AND pg_has_role(acting_role(), relowner, 'USAGE'))
    ) THEN
        RAISE insufficient_privilege USING MESSAGE = 'these are no read tables of ' || acting_role();
    END IF;
    EXECUTE 'DROP TABLE ' || (SELECT string_agg(format('public.%I', swapped.name), ', ') FROM unnest(names) AS swapped (name));
    FOREACH name IN ARRAY names LOOP
        EXECUTE format('ALTER TABLE %I.%I SET SCHEMA public', from_schema, name);
    END LOOP;
END $$;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
