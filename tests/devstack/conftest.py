"""Directories for servers of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.server_files import temporary_directory


@pytest.fixture
def server_directory() -> Iterator[Path]:
    """As `tmp_path`, which root alone may enter: PostgreSQL may enter this one."""
    with temporary_directory("seatledger-test-") as directory:
        yield directory
