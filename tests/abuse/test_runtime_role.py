"""Processes connect as a role that does not own the ledger. It can neither change nor disable what protects the ledger; the whole
product runs under it."""

from contextlib import closing
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest

from ledger.connection import LedgerConnection
from ledger.macs import Macs
from ledger.ownership import RuntimeRoleUnknown, runtime_address
from ledger.pool import connection as connection_of
from ledger.pool import make_pool
from ledger.postgres_connections import make_engine
from ledger.recorder import LedgerRecorder
from ledger.settings import Settings
from ledger.store import Ledger
from migrations.roles import READ_TABLES
from projections.registry import PROJECTORS
from projections.tables import table_of
from tests.abuse.operator_commands import ended, operate
from tests.own_servers import runtime_url
from tests.running_system import Stack, tickets

REFUSED = [
    "UPDATE ledger_entries SET state = ''",
    "DELETE FROM ledger_entries",
    "TRUNCATE ledger_entries",
    "INSERT INTO ledger_entries (originator_id, originator_version, topic, state) VALUES (gen_random_uuid(), 1, 'x', '')",
    "INSERT INTO ledger_entries TABLE ledger_entries ON CONFLICT (originator_id, originator_version) DO UPDATE SET state = ''",
    "SELECT setval('ledger_entries_notification_id_seq', 1)",
    "SELECT FROM ledger_entries FOR UPDATE",
    "LOCK TABLE ledger_entries IN SHARE MODE",
    "ALTER TABLE ledger_entries DISABLE TRIGGER append_only",
    "ALTER TABLE ledger_entries DISABLE TRIGGER ALL",
    "ALTER TABLE ledger_entries ADD COLUMN x integer",
    "ALTER TABLE ledger_entries OWNER TO seatledger_app",
    "CREATE TRIGGER x BEFORE INSERT ON ledger_entries EXECUTE FUNCTION ledger_is_append_only()",
    "CREATE RULE x AS ON INSERT TO ledger_entries DO INSTEAD NOTHING",
    "DROP TABLE ledger_entries CASCADE",
    "DROP TRIGGER append_only ON ledger_entries",
    "DROP FUNCTION ledger_is_append_only CASCADE",
    "CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "ALTER FUNCTION ledger_append SECURITY INVOKER",
    "SET session_replication_role = replica",
    "SET ROLE seatledger",
    "SET SESSION AUTHORIZATION seatledger",
    "GRANT seatledger TO seatledger_app",
    "ALTER ROLE seatledger_app SUPERUSER",
    "CREATE ROLE x",
    "CREATE SCHEMA seatledger",
    "CREATE TABLE public.x ()",
    "CREATE FUNCTION public.max(smallint) RETURNS bigint LANGUAGE sql AS 'SELECT 1'",
    "DROP SCHEMA public CASCADE",
    "SELECT shadow_schema('public')",
    "SELECT shadow_schema('seatledger')",
    "SELECT swap_read_tables('rebuild_x', ARRAY['ledger_entries'])",
    "SELECT swap_read_tables('rebuild_x', ARRAY['accounts'])",
    "SELECT swap_read_tables('public', ARRAY['bookings'])",
    "UPDATE audit_checkpoints SET note = ''",
    "DELETE FROM audit_checkpoints",
    "UPDATE alembic_version SET version_num = '0001'",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_runtime_role_can_not_change_the_ledger(database_url: str, statement: str) -> None:
    with (
        psycopg.connect(runtime_url(database_url), autocommit=True) as connection,
        pytest.raises(psycopg.Error) as refused,
        connection.transaction(),
    ):
        connection.execute(statement.encode())
    assert isinstance(refused.value, psycopg.errors.InsufficientPrivilege), refused.value
    print(f"S16: refused to the role of processes: {statement}")


def test_read_tables_are_those_that_projectors_write(database_url: str) -> None:
    assert {table_of(model).name for projector in PROJECTORS.values() for model in projector.tables} == READ_TABLES
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert {name for name, owner in rows if owner == "seatledger_app"} == READ_TABLES


def test_read_tables_are_reached_as_the_runtime_role(database_url: str) -> None:
    runtime = runtime_url(database_url)
    assert runtime_address(runtime, "") == runtime_address(database_url, runtime) == runtime
    for other in ("", database_url):
        with pytest.raises(RuntimeRoleUnknown):
            runtime_address(database_url, other)


#: What an intruder with SQL as the runtime role can leave: the planner calls the function of a partial index. It takes back a role
#: that the session has set.
PLANTED = """
    GRANT USAGE ON SCHEMA rebuild_evil TO PUBLIC;
    CREATE FUNCTION rebuild_evil.act() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
        BEGIN
            BEGIN
                SET ROLE none;
            EXCEPTION WHEN insufficient_privilege THEN RETURN;  -- while the index is being made
            END;
            IF current_user <> 'seatledger_app' THEN
                RAISE 'What was planted acts as %', current_user;
            END IF;
        END $$;
    CREATE FUNCTION rebuild_evil.immutable(integer) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
        'BEGIN PERFORM rebuild_evil.act(); RETURN true; END';
    CREATE TABLE rebuild_evil.revenue_categories (LIKE public.revenue_categories INCLUDING ALL);
    INSERT INTO rebuild_evil.revenue_categories TABLE public.revenue_categories;
    CREATE INDEX ON rebuild_evil.revenue_categories (event_id) WHERE rebuild_evil.immutable(1);
    SELECT swap_read_tables('rebuild_evil', ARRAY['revenue_categories']);
"""


def test_nothing_that_was_left_on_read_tables_runs_with_the_rights_of_the_owner(own_stack: Stack) -> None:
    own_stack.event(own_stack.person("organizer"))
    own_stack.settle()
    with psycopg.connect(own_stack.runtime_url, autocommit=True) as connection:
        connection.execute("SELECT shadow_schema('rebuild_evil')")
        with connection.transaction():
            connection.execute(PLANTED.encode())
    with psycopg.connect(own_stack.settings.database_url) as owner:
        owner.execute("SET ROLE seatledger_app")
        with pytest.raises(psycopg.errors.RaiseException, match="What was planted acts as seatledger"):
            owner.execute("TABLE revenue_categories")
    owner_alone = replace(own_stack.settings, runtime_database_url="")
    for arguments in (("verify", "--anew"), ("resume", "revenue"), ("rebuild", "revenue")):
        refused = ended(owner_alone, *arguments)
        assert (refused.returncode, "set DATABASE_URL to the address" in refused.stderr) == (1, True), refused
        operate(own_stack.settings, *arguments)


def test_the_whole_product_runs_under_it(own_stack: Stack) -> None:
    stack, organizer, alice = own_stack, own_stack.person("organizer"), own_stack.person()
    assert stack.runtime_url != stack.settings.database_url
    event = stack.event(organizer)
    with psycopg.connect(stack.settings.database_url) as connection:
        users = connection.execute(
            "SELECT DISTINCT application_name, usename FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = ANY('{seatledger-appender,seatledger-worker,seatledger-store}')"
        ).fetchall()
    assert {user for _, user in users} == {"seatledger_app"}
    path = f"/api/events/{event['id']}"
    kept, cancelled = (alice.ok("POST", f"{path}/bookings", tickets(2), key=str(uuid4())) for _ in range(2))
    alice.ok("DELETE", f"/api/bookings/{cancelled['id']}")
    organizer.ok("POST", f"{path}/check-ins", {"code": kept["tickets"][0]["code"]})
    stack.settle()
    assert len(alice.see("/api/bookings")["items"]) == 2
    for address in (stack.runtime_url, stack.settings.database_url):  # by a worker, and by an operator
        settings = replace(stack.settings, database_url=address)
        for arguments in (("rebuild", "all"), ("resume", "revenue"), ("verify", "--anew")):
            operate(settings, *arguments)
    alice.ok("POST", f"{path}/bookings", tickets(1))
    stack.settle()
    assert len(alice.see("/api/bookings")["items"]) == 3
    with psycopg.connect(stack.settings.database_url) as connection:
        [(owners,)] = connection.execute(
            "SELECT count(DISTINCT tableowner) FROM pg_tables WHERE schemaname = 'public' AND tablename = ANY(%s)",
            (list(READ_TABLES),),
        ).fetchall()
    assert owners == 1, "an operator's rebuild leaves the tables to the processes"


async def test_runtime_role_can_not_say_which_tables_are_read(settings: Settings, database_url: str) -> None:
    """It may give itself another search_path, with a view in place of the ledger that hides what is to be hidden."""
    url = runtime_url(database_url)
    runs_as = replace(settings, database_url=url, runtime_database_url="")
    with psycopg.connect(url, autocommit=True) as intruder:
        role = intruder.info.user
        intruder.execute("SELECT shadow_schema('rebuild_evil')")
        intruder.execute("CREATE VIEW rebuild_evil.ledger_entries AS SELECT * FROM public.ledger_entries WHERE false")
        intruder.execute(f"ALTER ROLE {role} SET search_path = rebuild_evil, public")
    try:
        with psycopg.connect(url) as connection:
            assert connection.execute("SHOW search_path").fetchone() == ("rebuild_evil, public",), "else this test shows nothing"
        seen = set()
        async with make_pool(runs_as) as pool, connection_of(pool, 5) as acquired:
            seen.add(await (await acquired.execute("SHOW search_path")).fetchone())
        appending = await LedgerConnection.connect(url, Macs.open(settings.keys))
        seen.add(await (await appending._connection.execute("SHOW search_path")).fetchone())
        await appending.close()
        engine = make_engine(url, "test", statement_seconds=5, pool_size=1)
        with engine.connect() as projecting:
            seen.add(tuple(projecting.exec_driver_sql("SHOW search_path").one()))
        engine.dispose()
        with closing(Ledger(url)) as ledger:
            assert isinstance(ledger.recorder, LedgerRecorder)
            with ledger.recorder.datastore.get_connection() as reading:
                seen.add(tuple((reading.execute("SHOW search_path").fetchone() or {}).values()))
        assert seen == {("public",)}
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"ALTER ROLE {role} RESET search_path")
