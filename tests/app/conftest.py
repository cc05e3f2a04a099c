"""Servers that speak the HTTP protocol of `app/fast_path/protocol.py`."""

from collections.abc import Iterator
from functools import partial

import pytest

from app.connections import ConnectionLimiter
from app.fast_path import protocol
from tests.app.protocol_server import Impatient, serving


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(Impatient) as port:
        yield port


@pytest.fixture(scope="module")
def patient_port() -> Iterator[int]:
    """With the deadlines that ship: they are longer than a client of these tests waits."""
    with serving(protocol.HttpProtocol) as port:
        yield port


@pytest.fixture
def strict_port() -> Iterator[int]:
    """Takes two connections of an address."""
    with serving(partial(protocol.HttpProtocol, connection_limiter=ConnectionLimiter(2, ""))) as port:
        yield port
