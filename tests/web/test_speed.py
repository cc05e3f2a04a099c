"""How much the first page costs, counted in a browser on the real server; and how it feels, measured and printed."""

import gzip
from typing import Any

from playwright.sync_api import Page, Response, expect

from tests.running_system import Person, Stack
from tests.web.conftest import Visit

SCRIPT_BYTES = 200 * 1024
MANY = 300
LONG_TASKS = (
    "window.tasks = []; new PerformanceObserver(list => tasks.push(...list.getEntries().map(one => one.duration)))"
    ".observe({type: 'longtask', buffered: true})"
)
#: A stream in the browser in place of the server's: 100 changes every 100 ms, for 5 s.
FLOOD = """
    window.changed = 0;
    const asked = window.fetch;
    window.fetch = (url, init) => {
        if (!String(url).includes("/api/live")) return asked(url, init);
        const ids = new URL(url).searchParams.getAll("event_id");
        let position = 1000000;
        const body = new ReadableStream({start(controller) {
            const timer = setInterval(() => {
                let text = "";
                for (let number = 0; number < 100; number++) {
                    position += 1;
                    const left = 1005000 - position;
                    const data = {event_id: ids[position % ids.length], available: left, position,
                                  categories: [{name: "General", available: left, held: 0}], pools: []};
                    text += `event: availability\\nid: ${position}\\ndata: ${JSON.stringify(data)}\\n\\n`;
                }
                controller.enqueue(new TextEncoder().encode(text));
                if (position >= 1005000) clearInterval(timer);
            }, 100);
        }});
        return Promise.resolve(new Response(body, {status: 200}));
    };
"""


def test_front_page_script_is_small(visit: Visit, alice: Person) -> None:
    for who in (None, alice):
        visitor = visit(who)
        answers = _answers(visitor.page)
        visitor.page.goto("/")
        visitor.settle()
        visitor.page.wait_for_timeout(500)
        scripts = [answer for answer in answers if answer.request.resource_type == "script"]
        size = sum(len(gzip.compress(script.body(), 9)) for script in scripts)
        print(f"first load of / {'signed in' if who else 'as nobody'}: {len(scripts)} scripts, {size / 1024:.0f} KB gzipped")
        assert len(scripts) > 2
        assert size < SCRIPT_BYTES


def test_front_page_data_is_requested_once_before_the_first_paint(visit: Visit, stack: Stack, organizer: Person) -> None:
    stack.event(organizer, name="On the first page")
    page = visit().page
    page.goto("/?q=On the first page")
    expect(page.get_by_role("article")).to_have_count(1)
    asked = page.evaluate(
        "performance.getEntriesByType('resource').filter(one => one.name.includes('/api/events')).map(one => one.startTime)"
    )
    # Chromium reports a paint some time after the page shows it.
    drawn = page.wait_for_function("performance.getEntriesByName('first-contentful-paint')[0]?.startTime").json_value()
    assert len(asked) == 1
    assert asked[0] < drawn


def _answers(page: Page) -> list[Response]:
    """Those that come from now on."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - Playwright wants a function of its own
    return answers


def test_list_of_300_events_is_shown_completely(visit: Visit, stack: Stack, organizer: Person) -> None:
    """All of them are shown, and counted live; what that costs the browser is printed."""
    for number in range(MANY):
        stack.event(organizer, name=f"Among many {number:03}", venue="Hall of many")
    visitor = visit()
    page = visitor.page
    page.add_init_script(LONG_TASKS)
    page.goto("/?q=Hall of many")
    cards = page.get_by_role("article")
    expect(cards).to_have_count(24)
    there = page.evaluate("performance.now()")
    first: list[Any] = page.evaluate("tasks.splice(0)")
    while page.get_by_role("button", name="Show more").is_visible():
        shown = cards.count()
        page.get_by_role("button", name="Show more").click()
        expect(cards.nth(shown)).to_be_attached()
    expect(cards).to_have_count(MANY)
    more: list[Any] = page.evaluate("tasks.splice(0)")
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    print(
        f"loading the page: DOM ready in {ready:.0f} ms, events there in {there:.0f} ms, tasks over 50 ms: {_shown(first)};",
        end=" ",
    )
    print(f"up to {MANY} events: {_shown(more)}")


def test_thousand_changes_a_second_take_a_few_renders(visit: Visit, stack: Stack, organizer: Person) -> None:
    for number in range(24):
        stack.event(organizer, name=f"Flooded {number:02}")
    visitor = visit()
    page = visitor.page
    page.add_init_script(LONG_TASKS)
    page.add_init_script(FLOOD)
    page.goto("/?q=Flooded")
    card = page.get_by_role("article").first
    expect(card).to_contain_text("seats left")
    card.evaluate(
        "card => new MutationObserver(() => changed++).observe(card, {subtree: true, characterData: true, childList: true})"
    )
    page.evaluate("tasks.splice(0)")
    expect(page.get_by_role("article").filter(has_text="Sold out")).to_have_count(1, timeout=20_000)  # the last change came
    print(f"1,000 changes a second for 5 s: one card changed {page.evaluate('changed')} times,", end=" ")
    print(f"tasks over 50 ms: {_shown(page.evaluate('tasks'))}")
    assert 3 < page.evaluate("changed") <= 5 * 4 + 2


def _shown(durations: list[Any]) -> str:
    return ", ".join(f"{duration:.0f} ms" for duration in durations) or "none"
