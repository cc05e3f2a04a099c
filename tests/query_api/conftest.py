from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from ledger.settings import Settings
from tests.query_api.world import Api, World, reading


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    yield world
    world.close()


@pytest_asyncio.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    async with reading(settings) as api:
        yield api
