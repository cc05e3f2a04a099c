"""Debian's Chromium, started once a test process.

A pytest plugin, named in `conftest.py`. While Playwright runs, no test with an event loop of its own can: it ends before the first
test that needs no browser, and `tests/order.py` puts those that do together.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests import tools
from tests.soak import SOAK

if TYPE_CHECKING:
    from playwright.sync_api import Browser


#: Chromium without a window of its own is the same engine and needs a third less CPU. `make soak` takes the whole browser.
BROWSERS = ("chromium", "chromium-headless-shell") if SOAK else ("chromium-headless-shell", "chromium")


class _Running(NamedTuple):
    browser: "Browser"
    close: Callable[[], None]


_RUNNING = pytest.StashKey[_Running]()


@pytest.fixture
def chromium(pytestconfig: pytest.Config) -> "Browser":
    running = pytestconfig.stash.get(_RUNNING, None)
    if running is None or not running.browser.is_connected():
        _close(pytestconfig)
        running = pytestconfig.stash[_RUNNING] = _start()
    return running.browser


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if "chromium" not in getattr(item, "fixturenames", ()):
        _close(item.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    _close(config)


def _start() -> _Running:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (most runs have no browser)

    path = tools.find(*BROWSERS)
    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])

    def close() -> None:
        browser.close()
        playwright.stop()

    return _Running(browser, close)


def _close(config: pytest.Config) -> None:
    if (running := config.stash.get(_RUNNING, None)) is not None:
        del config.stash[_RUNNING]
        running.close()
