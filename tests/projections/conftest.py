"""A ledger and the read tables beside it, on a real database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, NullPool, create_engine

from ledger.store import Ledger, sqlalchemy_url
from tests.ledger import scenario as s


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    ledger = Ledger(database_url, s.MACS)
    yield ledger
    ledger.close()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    yield engine
    engine.dispose()
