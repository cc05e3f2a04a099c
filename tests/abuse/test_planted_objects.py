"""What somebody may leave in the database with the role of the processes, for the owner to execute: in a swap of read tables,
and in the restore of a backup."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

import migrations
from ledger.settings import Settings
from migrations.roles import READ_TABLES
from projections.proof import postgres_programs
from projections.proof.backup import back_up, restore
from projections.proof.postgres_programs import BackupError
from projections.proof.restored_tables import restore_dump
from projections.proof.verify import Verifier
from projections.rebuild.rebuilder import Rebuilder
from projections.registry import PROJECTORS
from tests.abuse.operator_commands import operate
from tests.conftest import PostgresServer
from tests.faults.shop import Shop
from tests.ledger import storage
from tests.own_servers import runtime_url
from tests.projections.stories import Story
from tests.running_system import Stack, tickets

KIND = "SELECT relkind FROM pg_class WHERE oid = to_regclass('public.revenue_hours')"
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def wait_for_a_waiting_swap(connection: psycopg.Connection) -> None:
    deadline = time.monotonic() + 30
    while connection.execute(WAITS).fetchone() == (0,):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_table_that_becomes_a_view_is_not_swapped_in(database_url: str, kind: str) -> None:
    """While the swap waits for a lock of the served table."""
    url = runtime_url(database_url)
    with (
        ThreadPoolExecutor(1) as threads,
        psycopg.connect(url, autocommit=True) as planting,
        psycopg.connect(url, autocommit=True) as swapping,
        psycopg.connect(url) as reading,
    ):
        planting.execute("SELECT shadow_schema('rebuild_evil')")
        planting.execute("CREATE TABLE rebuild_evil.revenue_hours ()")
        reading.execute("LOCK TABLE revenue_hours IN ACCESS SHARE MODE")
        swap = threads.submit(swapping.execute, "SELECT swap_read_tables('rebuild_evil', ARRAY['revenue_hours'])")
        wait_for_a_waiting_swap(planting)
        planting.execute("DROP TABLE rebuild_evil.revenue_hours")
        planting.execute(f"CREATE {kind} rebuild_evil.revenue_hours AS SELECT 1".encode())
        reading.commit()
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.WrongObjectType)):
            swap.result(30)
        assert planting.execute(KIND).fetchone() == ("r",)


def test_swap_sees_tables_as_they_are(database_url: str) -> None:
    """The snapshot of a transaction would show them as they were."""
    url = runtime_url(database_url)
    with psycopg.connect(url, autocommit=True) as planting, psycopg.connect(url) as swapping:
        swapping.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        planting.execute("SELECT shadow_schema('rebuild_evil')")
        planting.execute("CREATE TABLE rebuild_evil.revenue_hours ()")
        swapping.execute("SELECT 1")
        planting.execute("DROP TABLE rebuild_evil.revenue_hours")
        planting.execute("CREATE VIEW rebuild_evil.revenue_hours AS SELECT 1")
        with pytest.raises(psycopg.errors.InvalidTransactionState):
            swapping.execute("SELECT swap_read_tables('rebuild_evil', ARRAY['revenue_hours'])")
        swapping.rollback()
        assert planting.execute(KIND).fetchone() == ("r",)


@dataclass
class Place:
    """A database with a story, and an empty one into which its backup is restored."""

    directory: Path
    database_url: str
    empty_url: str

    @property
    def settings(self) -> Settings:
        return Settings(database_url=self.database_url, keys_dir=self.directory / "keys")

    @property
    def elsewhere(self) -> Settings:
        return Settings(database_url=self.empty_url, keys_dir=self.directory / "restored-keys")

    def backed_up(self) -> list[str]:
        said: list[str] = []
        back_up(self.settings, self.directory / "backup", said.append)
        return said

    def restored(self) -> list[str]:
        said: list[str] = []
        restore(self.elsewhere, self.directory / "backup", said.append)
        return said


@pytest.fixture
def place(database_url: str, empty_database_url: str, tmp_path: Path) -> Place:
    place = Place(tmp_path, database_url, empty_database_url)
    story = Story(seed=59)
    with closing(Shop(runtime_url(database_url), place.settings.keys)) as shop:
        storage.append(shop.ledger, story.entries)
        storage.append(shop.ledger, story.tell(20))
        shop.project_and_sign()
    return place


def is_proven(settings: Settings, *, rebuilt: bool) -> bool:
    with closing(Shop(settings.database_url, settings.keys)) as shop:
        if rebuilt:
            with closing(Rebuilder(shop.url, shop.ledger)) as rebuilder:
                rebuilder.rebuild(list(PROJECTORS.values()))
        shop.project_and_sign()
    return Verifier(settings).run().finding is None


#: Executed by pg_restore with the rights of the owner, were it restored.
ACT = "CASE WHEN current_setting('is_superuser') = 'on' THEN lo_create(0) ELSE 0 END"


def as_runtime_role(place: Place, *statements: str) -> None:
    with psycopg.connect(runtime_url(place.database_url), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def as_owner(place: Place, *statements: str) -> None:
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def plant_materialized_view(place: Place) -> None:
    """As the race of migration 0017 let it: in the place of one read table, and none of the others is left."""
    as_runtime_role(
        place,
        "SELECT shadow_schema('rebuild_evil')",
        f"CREATE MATERIALIZED VIEW rebuild_evil.revenue_hours AS SELECT {ACT}",
        f"DROP TABLE {', '.join(f'public.{name}' for name in sorted(READ_TABLES))} CASCADE",
    )
    as_owner(place, "ALTER MATERIALIZED VIEW rebuild_evil.revenue_hours SET SCHEMA public")


def plant_cast(place: Place) -> None:
    """Its type and function are in a schema that no backup holds."""
    as_runtime_role(
        place,
        "SELECT shadow_schema('rebuild_evil')",
        "CREATE TYPE rebuild_evil.t AS (a int)",
        "CREATE FUNCTION rebuild_evil.f(rebuild_evil.t) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'",
        "CREATE CAST (rebuild_evil.t AS int) WITH FUNCTION rebuild_evil.f(rebuild_evil.t)",
    )


def test_materialized_view_is_not_restored(place: Place) -> None:
    plant_materialized_view(place)
    assert "No migration makes MATERIALIZED VIEW public revenue_hours seatledger_app: a restore leaves it out." in place.backed_up()
    said = place.restored()
    assert "Left out, since no migration makes it: MATERIALIZED VIEW public revenue_hours seatledger_app" in said
    assert any("A worker rebuilds them." in line for line in said), said
    with psycopg.connect(place.empty_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() == (0,)
        assert connection.execute(KIND).fetchone() == ("r",)
    assert is_proven(place.elsewhere, rebuilt=True)


def test_cast_is_not_restored(place: Place) -> None:
    plant_cast(place)
    cast = "CAST - CAST (rebuild_evil.t AS integer)"
    assert f"No migration makes {cast}: a restore leaves it out." in place.backed_up()
    assert f"Left out, since no migration makes it: {cast}" in place.restored()
    assert is_proven(place.elsewhere, rebuilt=False)


#: An index can't be made in `public`, but comes there by a swap.
ON_READ_TABLES = (
    "SELECT shadow_schema('rebuild_evil')",
    "CREATE TABLE rebuild_evil.revenue_hours (LIKE public.revenue_hours)",
    "INSERT INTO rebuild_evil.revenue_hours TABLE public.revenue_hours",
    "CREATE INDEX planted ON rebuild_evil.revenue_hours ((event_id = '00000000-0000-0000-0000-000000000000'))",
    "SELECT swap_read_tables('rebuild_evil', ARRAY['revenue_hours'])",
    "ALTER TABLE revenue_hours ALTER COLUMN event_id SET DEFAULT gen_random_uuid()",
    f"ALTER TABLE revenue_hours ADD CONSTRAINT planted CHECK ({ACT} = 0) NOT VALID",
    "ALTER TABLE revenue_hours ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY planted ON revenue_hours USING ({ACT} = 0)",
    "CREATE TRIGGER planted BEFORE INSERT ON revenue_hours FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    f"CREATE RULE planted AS ON INSERT TO revenue_hours DO ALSO SELECT {ACT}",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
)
LEFT = """
    SELECT (SELECT count(*) FROM pg_class WHERE relname = 'planted') + (SELECT count(*) FROM pg_policy)
        + (SELECT count(*) FROM pg_constraint WHERE conname = 'planted')
        + (SELECT count(*) FROM pg_attrdef WHERE adrelid = 'revenue_hours'::regclass)
        + (SELECT count(*) FROM pg_trigger WHERE tgname = 'planted') + (SELECT count(*) FROM pg_rewrite WHERE rulename = 'planted')
        + (SELECT count(*) FROM pg_largeobject_metadata) + (SELECT count(*) FROM pg_default_acl)"""


def test_nothing_on_a_read_table_is_restored(place: Place) -> None:
    as_runtime_role(place, *ON_READ_TABLES)
    warned, said = place.backed_up(), place.restored()
    for planted in ("INDEX public planted", "POLICY public revenue_hours planted", "TRIGGER public revenue_hours planted"):
        assert f"No migration makes {planted} seatledger_app: a restore leaves it out." in warned
        assert f"Left out, since no migration makes it: {planted} seatledger_app" in said
    with psycopg.connect(place.empty_url) as connection:
        assert connection.execute(LEFT.encode()).fetchone() == (0,)
    assert is_proven(place.elsewhere, rebuilt=False)


def plant_indexes(place: Place, *names: str) -> None:
    as_runtime_role(
        place,
        "SELECT shadow_schema('rebuild_evil')",
        "CREATE TABLE rebuild_evil.revenue_hours (LIKE public.revenue_hours INCLUDING ALL)",
        "INSERT INTO rebuild_evil.revenue_hours TABLE public.revenue_hours",
        *(f'CREATE INDEX "{name}" ON rebuild_evil.revenue_hours (event_id)' for name in names),
        "SELECT swap_read_tables('rebuild_evil', ARRAY['revenue_hours'])",
    )


def test_what_is_left_out_is_told_in_few_plain_lines(place: Place) -> None:
    plant_indexes(place, *(f"\x1b[31m{number} long long long" for number in range(60)))
    for lines in (place.backed_up(), place.restored()):
        assert len(lines) < 30
        assert all(len(line) < 300 and line.isprintable() for line in lines)
        assert any(line.startswith("… and ") for line in lines)


@pytest.mark.parametrize("end", ["\n", "\r", "\x0b", "\x85", "\u2028"], ids=repr)
def test_name_is_not_read_as_another_line_of_the_table_of_contents(place: Place, end: str) -> None:
    plant_indexes(place, f"x{end}1; 0 0 TABLE DATA public ledger_entries seatledger")
    place.backed_up()
    place.restored()
    assert is_proven(place.elsewhere, rebuilt=False)


def test_backup_of_what_the_migrations_make_warns_of_nothing(place: Place) -> None:
    with (
        closing(Shop(runtime_url(place.database_url), place.settings.keys)) as shop,
        closing(Rebuilder(shop.url, shop.ledger)) as rebuilder,
    ):
        rebuilder.rebuild(list(PROJECTORS.values()))
    warned = place.backed_up()
    assert [line[:8] for line in warned] == ["Writing "], warned
    assert [line[:10] for line in place.restored()] == ["Restoring "]
    assert is_proven(place.elsewhere, rebuilt=False)


def test_backup_without_a_table_is_refused(place: Place) -> None:
    as_owner(place, "DROP TABLE announcements, mail_counts CASCADE", "CREATE VIEW mail_counts AS SELECT 1")
    place.backed_up()
    with pytest.raises(BackupError, match=r"^The backup lacks TABLE DATA public announcements, .*TABLE DATA public mail_counts"):
        place.restored()
    with psycopg.connect(place.empty_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        assert tables.fetchone() == (0,)


@pytest.mark.parametrize("revision", ["0008", "0017"])
def test_backup_of_an_earlier_release_is_restored(
    empty_database_url: str, postgres_server: PostgresServer, tmp_path: Path, revision: str
) -> None:
    said, dump, name = list[str](), tmp_path / "dump", f"earlier_{uuid4().hex[:8]}"
    url = postgres_server.create(name)
    try:
        migrations.upgrade(url, revision)
        with psycopg.connect(url) as connection:
            version = connection.info.server_version // 10_000
        postgres_programs.run("pg_dump", version, url, "--format=custom", f"--file={dump}")
    finally:
        postgres_server.drop(name)
    restore_dump(empty_database_url, dump, revision, version, said.append)
    assert (migrations.current(empty_database_url), said) == (revision, [])
    migrations.upgrade(empty_database_url, runtime_database_url=runtime_url(empty_database_url))


def test_functions_of_the_owner_are_nobody_elses_after_a_restore(place: Place) -> None:
    place.backed_up()
    place.restored()
    with psycopg.connect(place.empty_url) as connection:
        rows = connection.execute(
            "SELECT proname FROM pg_proc WHERE prosecdef AND has_function_privilege('seatledger_app', oid, 'EXECUTE')"
        ).fetchall()
    assert rows == [], "until `migrations upgrade` gives the role of the processes its rights"


#: What an intruder can leave for the restore of a backup: pg_restore checks constraints, as the owner.
PLANTED_CHECK = """
    ALTER TABLE availability_categories ADD CONSTRAINT planted CHECK
        (CASE WHEN current_setting('is_superuser') = 'on' THEN lo_create(0) > 0 ELSE true END)"""
#: Rows that fit into no read table of ours.
PLANTED_COLUMN = "ALTER TABLE revenue_hours ADD COLUMN planted integer DEFAULT 1"


@pytest.mark.parametrize("planted", [PLANTED_CHECK, PLANTED_COLUMN], ids=["check", "column"])
def test_nothing_that_was_left_on_read_tables_is_restored(
    own_stack: Stack, postgres_server: PostgresServer, tmp_path: Path, planted: str
) -> None:
    alice, event = own_stack.person(), own_stack.event(own_stack.person("organizer"))
    alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    own_stack.settle()
    with psycopg.connect(own_stack.runtime_url) as connection:
        connection.execute("SELECT lo_create(0)")
        connection.execute(planted.encode())
    operate(own_stack.settings, "backup", str(tmp_path / "backup"))
    name = f"elsewhere_{uuid4().hex[:8]}"
    url = postgres_server.create(name)
    try:
        elsewhere = replace(own_stack.settings, database_url=url, runtime_database_url=runtime_url(url), data_dir=tmp_path / "data")
        operate(elsewhere, "restore", str(tmp_path / "backup"))
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() == (0,)
            assert connection.execute("SELECT count(*) FROM pg_constraint WHERE conname = 'planted'").fetchone() == (0,)
            assert connection.execute("SELECT count(*) > 0 FROM pg_constraint WHERE contype = 'f'").fetchone() == (True,)
        migrations.upgrade(url, runtime_database_url=elsewhere.runtime_database_url)
        if planted is PLANTED_COLUMN:
            operate(elsewhere, "rebuild", "all")
        operate(elsewhere, "verify")
    finally:
        postgres_server.drop(name)
