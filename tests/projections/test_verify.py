"""Whatever the database's owner alters, without the keys, is found and named."""

import base64
import json
import random
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from sqlalchemy import create_engine

from ledger import snapshots
from ledger.event import Event, evolve
from ledger.keys import KeysError
from ledger.macs import Macs
from ledger.settings import Settings
from ledger.store import Ledger, sqlalchemy_url
from projections import digests
from projections.checkpoints import Checkpointing
from projections.engine import catch_up
from projections.log_keys import begin_origin
from projections.registry import PROJECTORS
from projections.signed_list import LIST_FILE
from projections.signed_notes import NoteError
from projections.verify import Report, Verifier
from projections.verify_entries import EntryCheck
from tests.conftest import PostgresServer
from tests.projections.stories import Story

#: Without one of their rows, everything takes longer, and nothing else: it may go.
SHORTCUTS = ("ledger_snapshots", "projection_digests")
TABLES = [model.__tablename__ for projector in PROJECTORS.values() for model in projector.tables]
ALTERED_TO = {
    "uuid": "gen_random_uuid()",
    "smallint": "coalesce({0}, 0) + 1000",
    "integer": "coalesce({0}, 0) + 1000",
    "bigint": "coalesce({0}, 0) + 1000",
    "text": "coalesce({0}, '') || 'x'",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 second'",
    "bytea": "set_byte({0}, octet_length({0}) / 2, (get_byte({0}, octet_length({0}) / 2) + 1) % 256)",
}
COLUMNS = (
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public' ORDER BY 1"
)
#: What would refuse some of it: an owner can take it away.
FREE = """DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT conrelid::regclass AS name, conname FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f') AND conrelid <> 0 LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.name, one.conname);
    END LOOP;
    FOR one IN SELECT table_name, column_name FROM information_schema.columns
        WHERE is_generated = 'ALWAYS' AND table_schema = 'public' LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I DROP EXPRESSION', one.table_name, one.column_name);
    END LOOP;
    ALTER TABLE ledger_entries DISABLE TRIGGER append_only;
END $$"""


class Honest(NamedTuple):
    """A database that nobody has altered, for copies, and the keys that it was made with."""

    name: str
    keys: Path
    server: PostgresServer


@pytest.fixture(scope="module")
def honest(postgres_server: PostgresServer, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Honest]:
    keys, name = tmp_path_factory.mktemp("keys"), f"honest_{random.randrange(10**9)}"
    url = postgres_server.create(name, template_database)
    with closing(Ledger(url, Macs.open(keys))) as ledger:
        _tell(url, ledger, keys)
    with psycopg.connect(url) as connection:
        connection.execute(FREE)
    yield Honest(name, keys, postgres_server)
    postgres_server.drop(name)


def _tell(url: str, ledger: Ledger, keys: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "MIN_GROWTH", 60)
        _tell_and_project(url, ledger, keys)


def _tell_and_project(url: str, ledger: Ledger, keys: Path) -> None:
    story, engine, worker = Story(seed=11), create_engine(sqlalchemy_url(url)), Checkpointing(keys, seconds=0)
    ledger.append(story.entries)
    for _ in range(4):
        ledger.append(story.tell(80))
        for projector in PROJECTORS.values():
            catch_up(engine, ledger, projector)
        digests.take_if_due(engine)
        assert worker.sign(engine) is not None
    event: Event | None = None
    for recorded in ledger.stream(story.entries[0].stream):
        event = evolve(event, recorded)
        if recorded.version in (20, 30):
            ledger.save_snapshot(snapshots.take(event))
    engine.dispose()


class Database:
    """What there is to alter."""

    def __init__(self, url: str, seed: int = 0) -> None:
        self.url, self.dice = url, random.Random(seed)

    def rows(self, statement: str, *parameters: Any) -> list[Any]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement, parameters or None).fetchall()

    def do(self, *statements: str) -> None:
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement)

    def columns(self, table: str) -> list[tuple[str, str]]:
        return self.rows(COLUMNS, table)

    def position(self, among: str = "true") -> int:
        """Of an entry that is in a checkpoint, as all are."""
        return int(self.dice.choice(self.rows(f"SELECT notification_id FROM ledger_entries WHERE {among} ORDER BY 1"))[0])

    def one(self, table: str) -> str:
        """Of any row of the table, what tells it from the others."""
        return f"ctid = '{self.dice.choice(self.rows(f'SELECT ctid FROM {table} ORDER BY 1'))[0]}'"

    def cell(self, table: str, column: str, kind: str) -> str:
        return f"UPDATE {table} SET {column} = {ALTERED_TO[kind].format(column)} WHERE {self.one(table)}"


class Altered:
    """A copy, to alter and to verify."""

    def __init__(self, url: str, keys: Path) -> None:
        self.url, self.keys = url, keys

    def by(self, *statements: str) -> Report:
        Database(self.url).do(*statements)
        return Verifier(Settings(database_url=self.url, keys_dir=self.keys)).run()


@pytest.fixture
def altered(honest: Honest) -> Iterator[Altered]:
    name = f"altered_{random.randrange(10**9)}"
    yield Altered(honest.server.create(name, f"{honest.server.prefix}{honest.name}"), honest.keys)
    honest.server.drop(name)


def test_what_nobody_altered_is_proven(altered: Altered) -> None:
    report = altered.by()
    assert report.finding is None
    assert (report.checkpoints, report.snapshots, len(report.compared_at)) == (4, 2, len(PROJECTORS))
    assert report.entries > 200
    assert set(report.compared_at.values()) == {report.position}


def _entry(database: Database) -> tuple[str, ...]:
    """An entry edited, deleted, moved, swapped, inserted, appended, forged."""
    here, there = (f"notification_id = {position}" for position in database.dice.sample([database.position() for _ in range(9)], 2))
    copied = "INSERT INTO ledger_entries (originator_id, originator_version, topic, state, mac, notification_id) SELECT"
    streams = "FROM ledger_entries GROUP BY originator_id LIMIT 1"
    return database.dice.choice([
        (f"UPDATE ledger_entries SET state = {ALTERED_TO['bytea'].format('state')} WHERE {here}",),
        (f"UPDATE ledger_entries SET state = state || ' '::bytea WHERE {here}",),
        (f"UPDATE ledger_entries SET mac = {ALTERED_TO['bytea'].format('mac')} WHERE {here}",),
        (f"UPDATE ledger_entries SET mac = NULL, state = state || ' '::bytea WHERE {here}",),
        (f"UPDATE ledger_entries SET topic = 'event-completed/1' WHERE {here}",),
        (f"UPDATE ledger_entries SET originator_version = originator_version + 5000 WHERE {here}",),
        (f"UPDATE ledger_entries SET originator_id = gen_random_uuid() WHERE {here}",),
        (f"UPDATE ledger_entries SET notification_id = 9000 WHERE {here}",),
        (f"UPDATE ledger_entries SET notification_id = -notification_id WHERE {here}",),
        (f"DELETE FROM ledger_entries WHERE {here}",),
        (f"DELETE FROM ledger_entries WHERE {here} OR {there}",),
        ("DELETE FROM ledger_entries WHERE notification_id = (SELECT max(notification_id) FROM ledger_entries)",),
        ("DELETE FROM ledger_entries WHERE notification_id = (SELECT min(notification_id) FROM ledger_entries)",),
        (f"""UPDATE ledger_entries one SET state = other.state, mac = other.mac, topic = other.topic FROM ledger_entries other
             WHERE one.{here} AND other.{there} OR one.{there} AND other.{here}""",),
        (f"UPDATE ledger_entries SET notification_id = -1 WHERE {here}",
         f"UPDATE ledger_entries SET {here} WHERE {there}",
         f"UPDATE ledger_entries SET {there} WHERE notification_id = -1"),
        (f"{copied} originator_id, originator_version + 7000, topic, state, mac, 9000 FROM ledger_entries WHERE {here}",),
        (f"{copied} gen_random_uuid(), 1, topic, state, mac, 9000 FROM ledger_entries WHERE originator_version = 1 LIMIT 1",),
        (f"{copied} originator_id, max(originator_version) + 1, 'event-completed/1', '{{}}', NULL, 9000 {streams}",),
        (f"{copied} originator_id, max(originator_version) + 1, max(topic), max(state), max(mac), 9000 {streams}",),
    ])  # fmt: skip


def _read_row(database: Database) -> tuple[str, ...]:
    """A row of a read table, of the tree, a checkpoint or a snapshot edited, deleted, doubled."""
    table = database.dice.choice([*TABLES, "audit_checkpoints", "ledger_snapshots", "projection_digests"])
    columns = database.columns(table)
    key = next(name for name, kind in columns if kind in ("uuid", "bigint"))
    names = ", ".join(name for name, _ in columns)
    values = ", ".join(
        ALTERED_TO[kind].format(name) if kind == "uuid" or name in (key, "number", "tile") else name for name, kind in columns
    )
    return database.dice.choice([
        (database.cell(table, *database.dice.choice(columns)),),
        (database.cell(table, *database.dice.choice(columns)),),
        (f"DELETE FROM {table} WHERE {database.one(table)}",) if table not in SHORTCUTS else _entry(database),
        (f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {database.one(table)}",),
    ])  # fmt: skip


@pytest.mark.parametrize("seed", range(200))
def test_any_alteration_is_found(altered: Altered, seed: int) -> None:
    """As the database's owner, triggers off, without the keys."""
    database = Database(altered.url, seed)
    statements = _entry(database) if seed % 2 else _read_row(database)
    finding = altered.by(*statements).finding
    assert finding is not None, statements
    print(*statements, finding.sentence, sep="\n")


@pytest.mark.parametrize("table", [*TABLES, "audit_checkpoints", "ledger_snapshots", "projection_digests"])
def test_every_column_of_every_table(altered: Altered, table: str) -> None:
    """One cell of each in turn: the finding names the table, and the column where the row is still itself."""
    database = Database(altered.url)
    restore = (f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM saved")
    database.do(f"CREATE TABLE saved AS TABLE {table}")
    for column, kind in database.columns(table):
        database.do(*restore)
        finding = altered.by(database.cell(table, column, kind)).finding
        assert finding is not None, column
        assert finding.table == table or table.startswith("audit_"), finding
        assert finding.column in (column, None, "hashes", "state", "note", "rows"), finding
    assert altered.by(*restore).finding is None


@pytest.mark.parametrize("column", ["name", "version", "position"])
def test_how_far_a_projection_is(altered: Altered, column: str) -> None:
    kind = "text" if column == "name" else "integer"
    finding = altered.by(Database(altered.url).cell("projections", column, kind)).finding
    assert finding is not None
    assert finding.table == "projections"


def test_a_checkpoint_that_somebody_kept_is_compared(altered: Altered, tmp_path: Path) -> None:
    """Who rewrites everything and holds the keys is found by this alone."""
    keys, kept = tmp_path / "keys", tmp_path / "kept.txt"
    shutil.copytree(altered.keys, keys)
    kept.write_text(Database(altered.url).rows("SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1")[0][0])
    size = len(Database(altered.url).rows("SELECT FROM ledger_entries"))
    _rewrite(altered.url, Macs.open(keys))
    (keys / LIST_FILE).unlink()
    settings = Settings(database_url=altered.url, keys_dir=keys)
    assert Verifier(settings).run().finding is None
    finding = Verifier(settings, [kept]).run().finding
    assert finding is not None
    assert f"the checkpoint of {size} entries has another root" in finding.sentence


def _rewrite(url: str, macs: Macs) -> None:
    """An entry was never what it was: every trace of it, in the ledger and all that follows from it."""
    with psycopg.connect(url) as connection:
        _rewrite_entry(connection, macs)
    engine = create_engine(sqlalchemy_url(url))
    with closing(Ledger(url)) as ledger:
        catch_up(engine, ledger, PROJECTORS["audit"])
    engine.dispose()


def _rewrite_entry(connection: psycopg.Connection[Any], macs: Macs) -> None:
    row = connection.execute("SELECT * FROM ledger_entries WHERE topic = 'seats-booked/1' LIMIT 1").fetchone()
    assert row is not None
    stream, version, topic, state, position, _ = row
    body = json.loads(state)
    body["digest"] = base64.b64encode(bytes(16)).decode()
    new = json.dumps(body, separators=(",", ":")).encode()
    update = "UPDATE ledger_entries SET state = %s, mac = %s WHERE notification_id = %s"
    connection.execute(update, (new, macs.of(stream, version, topic, new), position))
    connection.execute("DELETE FROM ledger_snapshots")
    connection.execute("TRUNCATE audit_checkpoints, audit_signing, audit_tiles, audit_leaves, audit_amendments")
    connection.execute("UPDATE projections SET position = 0 WHERE name = 'audit'")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "kept.txt: "),
        (b"\xff\xfe", "kept.txt: "),
        (b"seatledger-0000/1\n1\nAAAA\n", "kept.txt: "),
        (b'"not a note"\n', "kept.txt: "),
        (b'"cut off', "kept.txt: "),
    ],
)
def test_a_file_that_holds_no_checkpoint_is_refused(altered: Altered, tmp_path: Path, content: bytes, sentence: str) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_bytes(content)
    with pytest.raises(NoteError) as refused:
        Verifier(Settings(database_url=altered.url, keys_dir=altered.keys), [kept]).run()
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def test_without_keys_nothing_is_proven(altered: Altered, tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="holds no keys"):
        Verifier(Settings(database_url=altered.url, keys_dir=tmp_path)).run()
    assert list(tmp_path.iterdir()) == []


def test_it_goes_on_where_it_was_killed(altered: Altered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.verify.SAVE_EVERY", 50)
    taken: list[int] = []

    class Killed(BaseException):
        pass

    def take(self: EntryCheck, row: Any, stored: Any) -> None:
        taken.append(row[4])
        if len(taken) == 120:
            raise Killed
        real(self, row, stored)

    real = EntryCheck.take
    monkeypatch.setattr(EntryCheck, "take", take)
    with pytest.raises(Killed):
        altered.by()
    report = altered.by()
    assert report.finding is None
    assert len(taken) == 120 + report.entries - 100
    assert altered.by().finding is None
    assert len(taken) == 120 + 2 * report.entries - 100


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE twice () INHERITS (revenue_categories)", "INSERT INTO twice SELECT * FROM revenue_categories"),
        ("ALTER TABLE revenue_categories DROP CONSTRAINT pk_revenue_categories",
         "INSERT INTO revenue_categories SELECT * FROM revenue_categories LIMIT 1"),
        ("CREATE RULE hidden AS ON INSERT TO bookings DO INSTEAD NOTHING",),
        ("ALTER TABLE tickets ENABLE ROW LEVEL SECURITY",),
        ("ALTER TABLE ledger_entries ALTER COLUMN state DROP NOT NULL",
         "UPDATE ledger_entries SET state = NULL WHERE originator_version = 3"),
        ("ALTER TABLE ledger_entries ALTER COLUMN topic DROP NOT NULL",
         "UPDATE ledger_entries SET topic = NULL WHERE originator_version = 3"),
        ("ALTER TABLE audit_tiles ALTER COLUMN hashes DROP NOT NULL", "UPDATE audit_tiles SET hashes = NULL WHERE level = 0"),
        ("ALTER TABLE audit_leaves ALTER COLUMN positions DROP NOT NULL", "UPDATE audit_leaves SET positions = NULL"),
        ("ALTER TABLE projections ALTER COLUMN position DROP NOT NULL", "UPDATE projections SET position = NULL"),
        ("UPDATE ledger_entries SET mac = NULL WHERE originator_version = 2",),
    ],
)  # fmt: skip
def test_tricks_of_who_owns_the_tables(altered: Altered, statements: tuple[str, ...]) -> None:
    finding = altered.by(*statements).finding
    assert finding is not None
    print(finding.sentence)


def test_a_table_of_the_same_name_before_the_served_one(altered: Altered) -> None:
    with psycopg.connect(altered.url, autocommit=True) as connection:
        [name] = connection.execute("SELECT current_database()").fetchone() or ("",)
        connection.execute("CREATE SCHEMA before")
        connection.execute("CREATE TABLE before.catalogue_categories AS TABLE catalogue_categories")
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = before, public')
    finding = altered.by().finding
    assert finding is not None
    assert finding.table == "catalogue_categories"


def test_what_is_sold_meanwhile_is_no_alteration(database_url: str, tmp_path: Path) -> None:
    """And projected, between one step of a verification and the next."""
    engine, story, sold = create_engine(sqlalchemy_url(database_url)), Story(seed=77), list[str]()
    with closing(Ledger(database_url, Macs.open(tmp_path))) as ledger:
        _tell(database_url, ledger, tmp_path)

        def sell(what: str, done: int, total: int) -> None:
            ledger.append(story.tell(5) if sold else story.entries)
            sold.append(what)
            for projector in PROJECTORS.values():
                catch_up(engine, ledger, projector)

        report = Verifier(Settings(database_url=database_url, keys_dir=tmp_path), doing=sell).run()
    engine.dispose()
    assert report.finding is None
    assert {"snapshots", "read tables", "comparing"} <= set(sold)


def test_who_edits_what_was_read_before_a_kill_is_found(altered: Altered, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree and the read tables made to match: only the root that was worked out before the kill knows."""
    monkeypatch.setattr("projections.verify.SAVE_EVERY", 50)

    class Killed(BaseException):
        pass

    def killed(what: str, done: int, total: int) -> None:
        raise Killed

    monkeypatch.setattr("projections.verify.PAGE", 100)
    with pytest.raises(Killed):
        Verifier(Settings(database_url=altered.url, keys_dir=altered.keys), doing=killed).run()
    with psycopg.connect(altered.url) as connection:
        connection.execute("UPDATE ledger_entries SET state = state || ' '::bytea WHERE notification_id = 5")
        connection.execute("TRUNCATE audit_tiles, audit_leaves, audit_amendments")
        connection.execute("UPDATE projections SET position = 0 WHERE name = 'audit'")
    engine = create_engine(sqlalchemy_url(altered.url))
    with closing(Ledger(altered.url)) as ledger:
        catch_up(engine, ledger, PROJECTORS["audit"])
    engine.dispose()
    finding = altered.by().finding
    assert finding is not None
    assert "was altered while they were being verified" in finding.sentence


def test_a_kept_checkpoint_fits_under_a_new_origin_too(altered: Altered, tmp_path: Path) -> None:
    keys, kept = tmp_path / "keys", tmp_path / "kept.txt"
    shutil.copytree(altered.keys, keys)
    kept.write_text(Database(altered.url).rows("SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1")[0][0])
    _rewrite(altered.url, Macs.open(keys))
    begin_origin(keys)
    (keys / LIST_FILE).unlink()
    settings = Settings(database_url=altered.url, keys_dir=keys)
    assert Verifier(settings).run().finding is None
    assert Verifier(settings, [kept]).run().finding is not None
