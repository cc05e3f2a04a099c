"""Directories for servers that a test starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.server_files import temporary_directory


@pytest.fixture
def server_directory() -> Iterator[Path]:
    """Like `tmp_path`, but PostgreSQL can enter it if root runs the tests."""
    with temporary_directory("seatledger-test-") as directory:
        yield directory
