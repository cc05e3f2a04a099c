"""An unaltered database, and copies of it that tests alter as the database's owner, without the keys."""

import random
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from sqlalchemy import create_engine

from ledger import snapshots
from ledger.event import Event
from ledger.evolve import evolve
from ledger.settings import Settings
from ledger.store import Ledger, sqlalchemy_url
from projections.audit import AuditProjector
from projections.engine import catch_up
from projections.proof import verify
from projections.proof.checkpoints import CheckpointSigner
from projections.proof.verification_results import VerificationReport
from projections.proof.verify import Verifier
from projections.rebuild import projection_snapshots
from projections.registry import PROJECTORS
from tests.conftest import PostgresServer
from tests.ledger import storage
from tests.projections.stories import Story

#: Tables whose rows may be deleted: without them work takes longer, with the same result.
SHORTCUTS = ("ledger_snapshots", "projection_digests")
TABLES = [model.__tablename__ for projector in PROJECTORS.values() for model in projector.tables]
ALTERED_TO = {
    "uuid": "gen_random_uuid()",
    "smallint": "coalesce({0}, 0) + 1000",
    "integer": "coalesce({0}, 0) + 1000",
    "bigint": "coalesce({0}, 0) + 1000",
    "text": "coalesce({0}, '') || 'x'",
    "boolean": "NOT {0}",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 second'",
    "_int2": "{0} || 9::smallint",
    "_text": "{0} || 'x'::text",
    "bytea": "set_byte({0}, octet_length({0}) / 2, (get_byte({0}, octet_length({0}) / 2) + 1) % 256)",
}
COLUMNS = (
    "SELECT column_name, CASE data_type WHEN 'ARRAY' THEN udt_name ELSE data_type END FROM information_schema.columns"
    " WHERE table_name = %s AND table_schema = 'public' ORDER BY 1"
)
#: Removes what would refuse some alterations, as the owner can.
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


class UnalteredDatabase(NamedTuple):
    """An unaltered database, the template of the copies, and the keys that it was made with."""

    name: str
    keys: Path
    server: PostgresServer


def fill(url: str, ledger: Ledger, keys: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projection_snapshots, "MIN_GROWTH", 60)
        _append_and_project(url, ledger, keys)


def _append_and_project(url: str, ledger: Ledger, keys: Path) -> None:
    story, engine, worker = Story(seed=11), create_engine(sqlalchemy_url(url)), CheckpointSigner(keys, ledger, seconds=0)
    storage.append(ledger, story.entries)
    for _ in range(4):
        storage.append(ledger, story.tell(80) + story.hold_with_code())
        for projector in PROJECTORS.values():
            catch_up(engine, ledger, projector)
        projection_snapshots.take_if_due(engine)
        assert worker.sign(engine) is not None
    event: Event | None = None
    for recorded in ledger.stream(story.entries[0].stream):
        event = evolve(event, recorded)
        if recorded.version in (20, 30):
            ledger.save_snapshot(snapshots.take(event))
    engine.dispose()


class Database:
    """The tables of a copy, for alterations."""

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
        """The position of any entry. All entries are covered by a checkpoint."""
        return int(self.dice.choice(self.rows(f"SELECT notification_id FROM ledger_entries WHERE {among} ORDER BY 1"))[0])

    def any_row(self, table: str) -> str:
        """A condition that selects any one row of the table."""
        return f"ctid = '{self.dice.choice(self.rows(f'SELECT ctid FROM {table} ORDER BY 1'))[0]}'"

    def cell(self, table: str, column: str, kind: str) -> str:
        return f"UPDATE {table} SET {column} = {ALTERED_TO[kind].format(column)} WHERE {self.any_row(table)}"


class AlteredCopy:
    """A copy of the database, to alter and verify."""

    def __init__(self, url: str, keys: Path) -> None:
        self.url, self.keys = url, keys

    def verify_after(self, *statements: str, projections: Collection[str] = PROJECTORS) -> VerificationReport:
        """`projections`: those whose tables are compared."""
        Database(self.url).do(*statements)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(verify, "PROJECTORS", {name: PROJECTORS[name] for name in PROJECTORS if name in projections})
            return Verifier(Settings(database_url=self.url, keys_dir=self.keys)).run()


def needed_for(table: str) -> Collection[str]:
    """The projections without which nothing can be verified, and the table's own."""
    own = {name for name, projector in PROJECTORS.items() if any(model.__tablename__ == table for model in projector.tables)}
    return {AuditProjector.name, *projection_snapshots.SNAPSHOT_PROJECTIONS, *own}
