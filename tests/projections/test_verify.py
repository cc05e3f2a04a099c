"""Whatever the database's owner alters, without the keys, is found and named."""

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from sqlalchemy import create_engine

from ledger import snapshots
from ledger.event import Event, evolve
from ledger.macs import Macs
from ledger.settings import Settings
from ledger.store import Ledger, sqlalchemy_url
from projections.checkpoints import Checkpointing
from projections.engine import catch_up
from projections.registry import PROJECTORS
from projections.verify import Report, Verifier
from tests.conftest import PostgresServer
from tests.projections.stories import Story

TABLES = [model.__tablename__ for projector in PROJECTORS.values() for model in projector.tables]
ALTERED_TO = {
    "uuid": "gen_random_uuid()",
    "smallint": "coalesce({0}, 0) + 1",
    "integer": "coalesce({0}, 0) + 1",
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
    story, engine, worker = Story(seed=11), create_engine(sqlalchemy_url(url)), Checkpointing(keys, seconds=0)
    ledger.append(story.entries)
    for _ in range(4):
        ledger.append(story.tell(80))
        for projector in PROJECTORS.values():
            catch_up(engine, ledger, projector)
        assert worker.sign(engine) is not None
    event: Event | None = None
    for recorded in ledger.stream(story.entries[0].stream):
        event = evolve(event, recorded)
        if recorded.version in (20, 30):
            ledger.save_snapshot(snapshots.take(event))
    engine.dispose()


Alter = Callable[..., Report]


@pytest.fixture
def verified(honest: Honest) -> Iterator[Alter]:
    """A copy, altered by these statements, verified."""
    name = f"altered_{random.randrange(10**9)}"
    url = honest.server.create(name, f"{honest.server.prefix}{honest.name}")

    def verify(*statements: str, **given: Any) -> Report:
        with psycopg.connect(url) as connection:
            for statement in statements:
                connection.execute(statement)
        return Verifier(Settings(database_url=url, keys_dir=honest.keys), **given).run()

    yield verify
    honest.server.drop(name)


def test_what_nobody_altered_is_proven(verified: Alter) -> None:
    report = verified()
    assert report.finding is None
    assert (report.checkpoints, report.snapshots, len(report.compared_at)) == (4, 2, len(PROJECTORS))
    assert report.entries > 200
    assert set(report.compared_at.values()) == {report.position}
