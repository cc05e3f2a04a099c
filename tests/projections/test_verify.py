"""An alteration by the database's owner, without the keys, is found and named."""

from collections.abc import Collection

import psycopg
import pytest

from projections.proof.verify import AnotherVersion
from projections.registry import PROJECTORS
from tests.projections.altering import ALTERED_TO, SHORTCUTS, TABLES, AlteredCopy, Database, needed_for
from tests.soak import SOAK, rounds


def test_unaltered_database_is_proven(altered: AlteredCopy) -> None:
    report = altered.verify_after()
    assert report.finding is None
    assert (report.checkpoints, report.snapshots, len(report.compared_at)) == (4, 2, len(PROJECTORS))
    assert report.entries > 200
    assert set(report.compared_at.values()) == {report.position}


Statements = tuple[str, ...]


def _entry(database: Database) -> list[Statements]:
    """All ways to alter an entry: edit, delete, move, swap, insert, append, forge."""
    here, there = (f"notification_id = {position}" for position in database.dice.sample([database.position() for _ in range(9)], 2))
    copied = "INSERT INTO ledger_entries (originator_id, originator_version, topic, state, mac, notification_id) SELECT"
    streams = "FROM ledger_entries GROUP BY originator_id LIMIT 1"
    return [
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
    ]  # fmt: skip


def _read_row(database: Database) -> list[Statements]:
    """All ways to alter a row of a read table, of the tree, a checkpoint or a snapshot: edit, delete, duplicate."""
    table = database.dice.choice([*TABLES, "audit_checkpoints", "ledger_snapshots", "projection_digests"])
    columns = database.columns(table)
    key = next(name for name, kind in columns if kind in ("uuid", "bigint"))
    names = ", ".join(name for name, _ in columns)
    values = ", ".join(
        ALTERED_TO[kind].format(name) if kind == "uuid" or name in (key, "number", "tile", "position") else name
        for name, kind in columns
    )
    return [
        (database.cell(table, *database.dice.choice(columns)),),
        (database.cell(table, *database.dice.choice(columns)),),
        *([(f"DELETE FROM {table} WHERE {database.any_row(table)}",)] if table not in SHORTCUTS else []),
        (f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {database.any_row(table)}",),
    ]


#: The number of ways to alter an entry. Each is tried, and as many alterations of read tables.
WAYS = 19


@pytest.mark.parametrize("seed", range(rounds(2 * WAYS, 400)))
def test_alteration_is_found(altered: AlteredCopy, seed: int) -> None:
    """Altered as the database's owner, with triggers disabled, without the keys."""
    database = Database(altered.url, seed)
    ways = _entry(database) if seed % 2 else _read_row(database)
    statements = ways[seed // 2 % len(ways)]
    finding = altered.verify_after(*statements).finding
    assert finding is not None, statements
    print("S16:", *statements, finding.sentence, sep="\n")


def test_all_ways_to_alter_an_entry_are_tried(altered: AlteredCopy) -> None:
    assert len(_entry(Database(altered.url))) == WAYS


@pytest.mark.parametrize("table", [*TABLES, "audit_checkpoints", "ledger_snapshots", "projection_digests"])
def test_alteration_of_any_column_is_found(altered: AlteredCopy, table: str) -> None:
    """One cell of each column in turn: the finding names the table, and the column if the row can still be identified.

    `make test` compares the table's projection alone, but for the first column; `make soak` always all of them."""
    database = Database(altered.url)
    compared: Collection[str] = PROJECTORS
    restore = (f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM saved")
    database.do(f"CREATE TABLE saved AS TABLE {table}")
    for column, kind in database.columns(table):
        database.do(*restore)
        finding = altered.verify_after(database.cell(table, column, kind), projections=compared).finding
        assert finding is not None, column
        assert finding.table == table or table.startswith("audit_"), finding
        assert finding.column in (column, None, "hashes", "state", "note", "rows"), finding
        compared = PROJECTORS if SOAK else needed_for(table)
    assert altered.verify_after(*restore).finding is None


def test_projection_of_another_version_is_no_alteration_and_no_proof(altered: AlteredCopy) -> None:
    for difference in (1, -2):
        with pytest.raises(AnotherVersion, match=r"^The projection revenue is of another version \(\d+\) than this release makes"):
            altered.verify_after(f"UPDATE projections SET version = version + {difference} WHERE name = 'revenue'")


@pytest.mark.parametrize("column", ["name", "position"])
def test_alteration_of_a_projections_row_is_found(altered: AlteredCopy, column: str) -> None:
    kind = "text" if column == "name" else "integer"
    finding = altered.verify_after(Database(altered.url).cell("projections", column, kind)).finding
    assert finding is not None
    assert finding.table == "projections"


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
def test_tricks_of_the_tables_owner_are_found(altered: AlteredCopy, statements: tuple[str, ...]) -> None:
    finding = altered.verify_after(*statements).finding
    assert finding is not None
    print(f"S16: {finding.sentence}")


def test_other_table_of_the_same_name_is_found(altered: AlteredCopy) -> None:
    with psycopg.connect(altered.url, autocommit=True) as connection:
        [name] = connection.execute("SELECT current_database()").fetchone() or ("",)
        connection.execute("CREATE SCHEMA before")
        connection.execute("CREATE TABLE before.catalogue_categories AS TABLE catalogue_categories")
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = before, public')
    finding = altered.verify_after().finding
    assert finding is not None
    assert finding.table == "catalogue_categories"
