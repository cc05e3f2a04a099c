"""What a role that owns neither the ledger nor its schema needs (migrations/roles.py): it appends by `ledger_append` alone, and rebuilds
read tables, which it owns, by two functions of the owner."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_APPEND = "ledger_append(uuid[], bigint[], text[], bytea[], bytea[], uuid[], bytea[])"

#: `session_user` is who connected; `role` is set where an operator acts as the runtime role. Inside, `current_user` is the owner.
UP = rf"""
ALTER FUNCTION {_APPEND} SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp;
REVOKE EXECUTE ON FUNCTION {_APPEND} FROM PUBLIC;

CREATE FUNCTION acting_role() RETURNS name LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(nullif(current_setting('role'), 'none'), session_user)::name
$$;

CREATE FUNCTION shadow_schema(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF name !~ '^(rebuild|verification)_[a-z_]+$' THEN
        RAISE insufficient_privilege USING MESSAGE = 'no schema of shadow copies: ' || name;
    END IF;
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', name);
    EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', name, acting_role());
END $$;

CREATE FUNCTION swap_read_tables(from_schema text, names text[])
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
REVOKE EXECUTE ON FUNCTION shadow_schema(text), swap_read_tables(text, text[]) FROM PUBLIC;
"""

DOWN = f"""
DROP FUNCTION swap_read_tables;
DROP FUNCTION shadow_schema;
DROP FUNCTION acting_role;
GRANT EXECUTE ON FUNCTION {_APPEND} TO PUBLIC;
ALTER FUNCTION {_APPEND} SECURITY INVOKER RESET search_path;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
