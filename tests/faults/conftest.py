"""Streams that grow in bulk, as for the tests of workers."""

from tests.workers.conftest import grow

__all__ = ["grow"]
