"""A running system of its own for each test that does something to it; streams that grow in bulk, as for the tests of workers."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import PostgresServer
from tests.running_system import Stack, system_settings
from tests.workers.conftest import grow

__all__ = ["grow", "own_stack"]


@pytest.fixture
def own_stack(postgres_server: PostgresServer, template_database: str, redis_url: str, tmp_path: Path) -> Iterator[Stack]:
    name = f"own_{uuid4().hex[:8]}"
    stack = Stack(system_settings(postgres_server.create(name, template_database), redis_url, tmp_path))
    yield stack
    stack.stop()
    postgres_server.drop(name)
