from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import pytest_asyncio

from ledger.settings import Settings
from projections.proof.checkpoints import CheckpointSigner
from tests.query_api.world import Api, Sign, World, reading


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    yield world
    world.close()


@pytest_asyncio.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    async with reading(settings) as api:
        yield api


@pytest.fixture
def sign(world: World, settings: Settings) -> Sign:
    """Projects and signs, as a worker does."""
    worker = CheckpointSigner(settings.keys, world.ledger, seconds=0)

    def project_and_sign() -> None:
        world.project()
        worker.sign(world.engine)

    return project_and_sign


@pytest_asyncio.fixture
async def hasty(settings: Settings) -> AsyncIterator[Api]:
    """An API that waits only briefly for a position."""
    async with reading(replace(settings, freshness_timeout_seconds=0.3)) as api:
        yield api
