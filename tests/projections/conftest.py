"""A ledger with its read tables, on a real database."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, NullPool, create_engine

from ledger.macs import Macs
from ledger.store import Ledger, sqlalchemy_url
from tests.conftest import PostgresServer
from tests.ledger import storage
from tests.projections.altering import FREE, AlteredCopy, UnalteredDatabase, fill
from tests.projections.signed_log import Log


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    ledger = Ledger(database_url, storage.MACS)
    yield ledger
    ledger.close()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def log(engine: Engine, ledger: Ledger, tmp_path: Path) -> Log:
    return Log(engine, ledger, tmp_path / "keys")


@pytest.fixture(scope="module")
def unaltered(
    postgres_server: PostgresServer, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[UnalteredDatabase]:
    keys, name = tmp_path_factory.mktemp("keys"), f"honest_{random.randrange(10**9)}"
    url = postgres_server.create(name, template_database)
    with closing(Ledger(url, Macs.open(keys))) as ledger:
        fill(url, ledger, keys)
    with psycopg.connect(url) as connection:
        connection.execute(FREE)
    yield UnalteredDatabase(name, keys, postgres_server)
    postgres_server.drop(name)


@pytest.fixture
def altered(unaltered: UnalteredDatabase) -> Iterator[AlteredCopy]:
    name = f"altered_{random.randrange(10**9)}"
    yield AlteredCopy(unaltered.server.create(name, f"{unaltered.server.prefix}{unaltered.name}"), unaltered.keys)
    unaltered.server.drop(name)
