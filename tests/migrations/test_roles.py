"""The runtime role in a database that had one role, and where the owner may not make roles."""

from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

import migrations
from migrations.roles import READ_TABLES, RoleMissing
from tests.own_servers import runtime_url


def owners(url: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        query = "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'"
        return dict(connection.execute(query).fetchall())


def test_existing_database_gets_the_role(empty_database_url: str) -> None:
    url = empty_database_url
    migrations.upgrade(url)
    assert set(owners(url).values()) == {"seatledger"}
    for runtime in (runtime_url(url), runtime_url(url), ""):
        migrations.upgrade(url, runtime_database_url=runtime)
        assert {name for name, owner in owners(url).items() if owner == "seatledger_app"} == READ_TABLES
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE later (id integer)")
    migrations.upgrade(url)
    with psycopg.connect(runtime_url(url)) as connection:
        connection.execute("INSERT INTO later VALUES (1)")
    migrations.downgrade(url, "base")


def test_owner_without_the_right_to_make_roles(empty_database_url: str) -> None:
    name = f"plain_{uuid4().hex[:8]}"
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(name)))
        connection.execute(SQL("ALTER DATABASE {} OWNER TO {}").format(Identifier(connection.info.dbname), Identifier(name)))
        connection.execute(SQL("GRANT CREATE ON SCHEMA public TO {}").format(Identifier(name)))
    url, role = empty_database_url.replace("//seatledger@", f"//{name}@"), f"{name}_app"
    runtime = empty_database_url.replace("//seatledger@", f"//{role}@")
    with pytest.raises(RoleMissing, match=f"There is no role {role}"):
        migrations.upgrade(url, runtime_database_url=runtime)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(role)))
        connection.execute(SQL("GRANT {} TO {}").format(Identifier(role), Identifier(name)))
    migrations.upgrade(url, runtime_database_url=runtime)
    assert {table for table, owner in owners(url).items() if owner == role} == READ_TABLES
    with psycopg.connect(runtime) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE public.x ()")
    migrations.downgrade(url, "base")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(SQL("ALTER DATABASE {} OWNER TO seatledger").format(Identifier(connection.info.dbname)))
        connection.execute(SQL("DROP OWNED BY {}, {}").format(Identifier(role), Identifier(name)))
        connection.execute(SQL("DROP ROLE {}, {}").format(Identifier(role), Identifier(name)))
