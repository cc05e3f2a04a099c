"""A worker, and streams that grow in bulk."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from ledger import entries as e
from ledger.details import Category
from ledger.settings import Settings
from tests.commands.selling import copy
from tests.ledger import scenario as s
from tests.workers.deployment import Grow, a_worker
from workers.worker import Worker

CAPACITY = 100_000


@pytest.fixture
def worker(settings: Settings) -> Iterator[Worker]:
    with a_worker(settings) as worker:
        yield worker


@pytest.fixture
def grow(database_url: str) -> Grow:
    versions: dict[UUID, int] = {}

    def append(stream: UUID, count: int) -> None:
        first = versions.get(stream, 0) + 1
        versions[stream] = first + count - 1
        copy(database_url, [e.RecordedEntry(stream, version, _entry(version)) for version in range(first, first + count)])

    return append


def _entry(version: int) -> e.Entry:
    if version == 1:
        return s.scheduled(Category(1, "General", 5_000, CAPACITY))
    return s.booked(s.ALICE, s.general(1), booking=uuid4())
