"""Which tests need servers, and in which order files of tests run. A pytest plugin, named in `conftest.py`.

Both follow from the fixtures that a test uses, not from a list kept by hand.
"""

import sys
from collections.abc import Iterable
from functools import cache
from types import ModuleType

import pytest

#: Fixtures, the most expensive first: files that use an earlier one run earlier, since a long file that begins last leaves the
#: other processes of a run without work.
EXPENSIVE_FIRST = ("chromium", "stack", "postgres_server", "_redis_share")
#: Modules that start processes. A test file that imports one of them, directly or through a module of the tests, counts as a test
#: that starts processes.
STARTERS = ("subprocess", "devstack")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "servers: needs a server, a browser or another process (set by tests/order.py)")


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    #: Files with a time limit of their own are the longest. Of two files with the same most expensive fixture, the one with more
    #: tests comes first.
    ranks = {
        file: (not any(map(_has_long_timeout, of_file)), min(map(_rank, of_file)), -len(of_file), file)
        for file, of_file in _by_file(items).items()
    }
    for item in items:
        if _rank(item) < len(EXPENSIVE_FIRST) or _starts_processes(item):
            item.add_marker("servers")
    items.sort(key=lambda item: ranks[item.path.as_posix()])


def _by_file(items: Iterable[pytest.Item]) -> dict[str, list[pytest.Item]]:
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path.as_posix(), []).append(item)
    return files


def _rank(item: pytest.Item) -> int:
    used = getattr(item, "fixturenames", ())
    return next((rank for rank, name in enumerate(EXPENSIVE_FIRST) if name in used), len(EXPENSIVE_FIRST))


def _has_long_timeout(item: pytest.Item) -> bool:
    return item.get_closest_marker("timeout") is not None


def _starts_processes(item: pytest.Item) -> bool:
    module = getattr(item, "module", None)
    return isinstance(module, ModuleType) and _imports_a_starter(module)


@cache
def _imports_a_starter(module: ModuleType) -> bool:
    homes = {_home(value) for value in vars(module).values()} - {None, module.__name__}
    ours = [sys.modules[name] for name in homes if name is not None and name.startswith("tests.") and name in sys.modules]
    return any(name.partition(".")[0] in STARTERS for name in homes if name is not None) or any(map(_imports_a_starter, ours))


def _home(value: object) -> str | None:
    """The name of a module, or of the one where a function or class is from."""
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return home if isinstance(home, str) else None
