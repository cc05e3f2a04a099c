"""How much the first page costs, counted in a browser on the real server; and how it feels, measured and printed."""

import gzip
from typing import Any

from playwright.sync_api import Response, expect

from tests.running_system import Person, Stack
from tests.web.conftest import Visit

SCRIPT_BYTES = 200 * 1024
MANY = 300


def test_the_script_of_the_first_page_is_small(visit: Visit, alice: Person) -> None:
    for who in (None, alice):
        visitor = visit(who)
        answers: list[Response] = []
        visitor.page.on("response", answers.append)
        visitor.page.goto("/")
        visitor.settle()
        visitor.page.wait_for_timeout(500)
        scripts = [answer for answer in answers if answer.request.resource_type == "script"]
        size = sum(len(gzip.compress(script.body(), 9)) for script in scripts)
        print(f"first load of / {'signed in' if who else 'as nobody'}: {len(scripts)} scripts, {size / 1024:.0f} KB gzipped")
        assert len(scripts) > 2
        assert size < SCRIPT_BYTES


def test_three_hundred_events(visit: Visit, stack: Stack, organizer: Person) -> None:
    """All of them are shown, and counted live; what that costs the browser is printed."""
    for number in range(MANY):
        stack.event(organizer, name=f"Among many {number:03}", venue="Hall of many")
    visitor = visit()
    page = visitor.page
    page.add_init_script(
        "window.tasks = []; new PerformanceObserver(list => tasks.push(...list.getEntries().map(one => one.duration)))"
        ".observe({type: 'longtask', buffered: true})"
    )
    page.goto("/?q=Hall of many")
    cards = page.get_by_role("article")
    expect(cards).to_have_count(24)
    first: list[Any] = page.evaluate("tasks.splice(0)")
    while page.get_by_role("button", name="Show more").is_visible():
        shown = cards.count()
        page.get_by_role("button", name="Show more").click()
        expect(cards.nth(shown)).to_be_attached()
    expect(cards).to_have_count(MANY)
    more: list[Any] = page.evaluate("tasks.splice(0)")
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    print(f"loading the page: DOM ready in {ready:.0f} ms, tasks over 50 ms: {_shown(first)}; up to {MANY} events: {_shown(more)}")


def _shown(durations: list[Any]) -> str:
    return ", ".join(f"{duration:.0f} ms" for duration in durations) or "none"
