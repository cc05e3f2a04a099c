"""Which tests need servers, and in which order files of tests run. A pytest plugin, named in `conftest.py`.

Both follow from the fixtures that a test uses, not from a list kept by hand.
"""

from collections.abc import Iterable
from types import ModuleType

import pytest

#: A test that uses one of the first runs before one that uses one of the next: what takes long is not to begin last, when the other
#: processes of a run have nothing left to do.
DEAREST_FIRST = ("chromium", "stack", "postgres_server", "_redis_share")
#: Modules that start processes: a test file that imports one is taken to.
STARTERS = ("subprocess", "servers")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "servers: needs a server, a browser or another process (set by tests/order.py)")


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {file: min(map(_rank, of_file)) for file, of_file in _by_file(items).items()}
    for item in items:
        if _rank(item) < len(DEAREST_FIRST) or _starts_processes(item):
            item.add_marker("servers")
    items.sort(key=lambda item: ranks[item.path.as_posix()])


def _by_file(items: Iterable[pytest.Item]) -> dict[str, list[pytest.Item]]:
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path.as_posix(), []).append(item)
    return files


def _rank(item: pytest.Item) -> int:
    used = getattr(item, "fixturenames", ())
    return next((rank for rank, name in enumerate(DEAREST_FIRST) if name in used), len(DEAREST_FIRST))


def _starts_processes(item: pytest.Item) -> bool:
    module = getattr(item, "module", None)
    return isinstance(module, ModuleType) and any(name in vars(module) for name in STARTERS)
