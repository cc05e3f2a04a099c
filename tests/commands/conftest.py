"""The appender of one API process."""

from collections.abc import AsyncIterator

import pytest

from commands.appender.appender import Appender
from tests.commands.selling import an_appender


@pytest.fixture
async def appender(database_url: str) -> AsyncIterator[Appender]:
    async with an_appender(database_url) as appender:
        yield appender
