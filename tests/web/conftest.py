"""Browsers: Debian's Chromium against the running system. Whatever a page complains about fails the test that visited it."""

import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect

from tests.running_system import PASSWORD, Person, Stack
from tests.soak import SOAK

ROOT = Path(__file__).parent.parent.parent
AXE = (ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

#: Colours fade into one another; what pulses never ends.
TRANSITIONS_END = """Promise.allSettled(
    document.getAnimations().filter(one => one.effect.getComputedTiming().endTime < Infinity).map(one => one.finished))"""

#: Width and height in pixels.
PHONE, DESKTOP = (360, 740), (1280, 800)

#: After this every process knows that a session has ended.
REVOKED_MILLISECONDS = 2_500

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
#: In which a page is looked at: each size and each colours in `make test`, all pairs of them in `make soak`.
LOOKS: list[tuple[tuple[int, int], Scheme]] = [(PHONE, "light"), (DESKTOP, "dark")]
if SOAK:
    LOOKS = list(product((PHONE, DESKTOP), SCHEMES))


class Visitor:
    """Somebody's browser, with cookies of its own. `page` is its first tab."""

    def __init__(
        self, browser: Browser, stack: Stack, *, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light", locale: str = "en-GB"
    ) -> None:
        self.url = stack.url
        self._stack = stack
        width, height = size
        self.context = browser.new_context(
            base_url=stack.url, viewport={"width": width, "height": height}, color_scheme=scheme, locale=locale,
            timezone_id="Europe/Berlin", reduced_motion="reduce",
        )  # fmt: skip
        self.complaints: list[str] = []
        #: A busy server says that the read side is behind: the page asks again, and what it shows in the end is what counts.
        self._expected = ["status of 503 "]
        self.page = self.open_tab()

    def open_tab(self) -> Page:
        page = self.context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        return page

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def expect_complaints(self, pattern: str) -> None:
        """Chromium itself says so on the console when an answer is a refusal or none: this test provokes it."""
        self._expected.append(pattern)

    @property
    def unexpected(self) -> list[str]:
        return [one for one in self.complaints if not any(re.search(pattern, one) for pattern in self._expected)]

    def sign_in(self, who: Person) -> None:
        """By the API: how people do it is a test of its own."""
        response = self.context.request.post("/api/login", data={"email": who.email, "password": PASSWORD})
        assert response.ok, response.text()

    def revoke_session(self) -> None:
        """The server ends this browser's session while its pages are open, and every process knows."""
        token = next(cookie["value"] for cookie in self.context.cookies() if cookie["name"] == "seatledger_session")
        self._stack.http.post("/api/logout", headers={"Authorization": f"Bearer {token}"}).raise_for_status()
        self.page.wait_for_timeout(REVOKED_MILLISECONDS)

    def settle(self) -> None:
        """Until the page stands: its heading is there, and nothing is loading any more."""
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        expect(self.page.locator(".mantine-Skeleton-root, .mantine-Loader-root")).to_have_count(0)

    def press_again_and_again(self) -> None:
        """Presses the button of the page's form every few milliseconds, for as long as there is a form."""
        self.page.evaluate("setInterval(() => document.querySelector('main form button[type=submit]')?.click(), 5)")

    def hold(self, pattern: str) -> list[Route]:
        """Requests of that address wait from now on, in the list that is returned."""
        held: list[Route] = []

        def keep(route: Route) -> None:
            held.append(route)

        self.page.route(pattern, keep)
        return held

    def check_looks(self, *, reloads: bool = SOAK) -> None:
        """axe finds nothing on the page, and nothing is wider than the screen, in each of LOOKS.
        `reloads`: the page is loaded anew for each, too."""
        for (width, height), scheme in LOOKS:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.emulate_media(color_scheme=scheme)
            expect(self.page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
            if reloads:
                self.page.reload()
            self.settle()
            self.page.evaluate(TRANSITIONS_END)
            self.check_accessibility()
            wide = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, f"{self.page.url} is wider than the screen of {width} pixels"

    def check_accessibility(self) -> None:
        """axe finds nothing on the page as it is now."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE)  # the policy of the page would refuse a script element
        for dialog in self.page.get_by_role("dialog").all():
            expect(dialog).to_have_accessible_name(re.compile("."))  # the library names it just after it is drawn
        found: list[dict[str, Any]] = self.page.evaluate(
            "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(({violations}) => violations)", RULES
        )
        said = [f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes'][:3]]}" for one in found]
        assert not said, "\n".join(said)


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(chromium: Browser, stack: Stack) -> Iterator[Visit]:
    """Opens a browser; at the end none may have complained."""
    visitors: list[Visitor] = []

    def open_browser(who: Person | None = None, path: str | None = None, **options: Any) -> Visitor:
        visitor = Visitor(chromium, stack, **options)
        visitors.append(visitor)
        if who is not None:
            visitor.sign_in(who)
        stack.settle()
        if path is not None:
            visitor.page.goto(path)
        return visitor

    expect.set_options(timeout=10_000)
    yield open_browser
    for visitor in visitors:
        visitor.context.close()
    assert [visitor.unexpected for visitor in visitors if visitor.unexpected] == []
