"""The database falls silent under a running API process of default settings: every operation is answered in time, with a problem
that says what happened (R23)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx
import pytest

from app.readiness import CACHE_SECONDS
from tests.abuse.operations import ATTENDEE_MAIL, MAILBOX, NEED_MAIL, OF_PROVIDERS, OPERATIONS, Routes, Target, send
from tests.faults.slow_line import SlowLine
from tests.running_system import JSON, Person, Stack, tickets
from tests.soak import rounds, within

SECONDS = within(3.0)
RECOVERY_SECONDS = within(5.0)
#: What needs neither the database nor memory of it: how long it took is what the machine adds.
UNTOUCHED = ("get_health", "get_about", "get_metrics")
#: What needs no database, or has what it needs in memory.
MAY_SUCCEED = {"get_health", "get_about", "get_metrics", "get_event", "get_events"}
#: Complete lists, which take their time once they have begun.
VARIANTS = {"get_event_bookings": "text/csv", "get_stats_events": "text/csv", "get_entries": "application/x-ndjson"}


class Answer(NamedTuple):
    status: int
    problem: str
    retry_after: str | None
    seconds: float


@pytest.fixture
def line(stack: Stack) -> Iterator[SlowLine]:
    with SlowLine(stack.settings.database_url).running() as line:
        yield line


@pytest.fixture
def url(stack: Stack, line: SlowLine) -> Iterator[str]:
    """An API process whose connections to the database all go through the line."""
    with stack.another_api(DATABASE_URL=line.url) as url:
        yield url


def ask(url: str, person: Person, request: tuple[str, str, JSON | None, dict[str, str]], **headers: str) -> Answer:
    with httpx.Client(base_url=url, timeout=30) as http:
        began = time.monotonic()
        with send(Person(http, person.id, person.token), request, **headers) as response:
            seconds = time.monotonic() - began
            is_problem = response.headers.get("content-type", "").startswith("application/problem+json")
            problem = response.json()["type"] if is_problem else ""
            return Answer(response.status_code, problem, response.headers.get("retry-after"), seconds)


def test_every_operation_is_answered_in_time(stack: Stack, line: SlowLine, url: str, organizer: Person, alice: Person) -> None:
    routes = Routes(stack.http.get("/openapi.json").json())
    target = Target.make(stack, organizer, alice, stack.person().id)
    asked = [(name, "") for name in OPERATIONS if name not in (*MAILBOX, *NEED_MAIL, *ATTENDEE_MAIL, *OF_PROVIDERS)] + list(
        VARIANTS.items()
    )

    def ask_all(pool: ThreadPoolExecutor) -> dict[str, Answer]:
        def one(name: str, accept: str) -> Answer:
            more = {"Accept": accept} if accept else {}
            return ask(url, stack.admin, routes.request(name, target), **more)

        answers = pool.map(lambda pair: one(*pair), asked)
        return {f"{name} {accept}".strip(): answer for (name, accept), answer in zip(asked, answers, strict=True)}

    # The one who asks is known to the process, and so is the event.
    before = ask(url, stack.admin, routes.request("book_tickets", target))
    assert before.status == 201
    time.sleep(CACHE_SECONDS)  # until the process no longer knows whether it was ready
    with ThreadPoolExecutor(len(asked)) as pool:
        slowest = 0.0
        wrong: dict[tuple[int, int, str], Answer] = {}
        for round_ in range(rounds(1, 6)):
            with line.silent():
                for pass_ in range(2):
                    answers = ask_all(pool)
                    machine_seconds = max(answers[name].seconds for name in UNTOUCHED)
                    slowest = max(slowest, *(answer.seconds for answer in answers.values()))
                    wrong |= {
                        (round_, pass_, name): answer
                        for name, answer in answers.items()
                        if not _is_right(name.split()[0], answer, machine_seconds)
                    }
            took = _seconds_until_whole(url, alice, target)
            assert took <= RECOVERY_SECONDS
    print(f"R23: {len(asked)} requests at once, the database silent: the slowest answer {slowest:.2f} s; whole {took:.2f} s after")
    assert not wrong, "\n".join(f"{where}: {answer}" for where, answer in wrong.items())


def _is_right(name: str, answer: Answer, machine_seconds: float) -> bool:
    if answer.seconds > SECONDS + machine_seconds:
        return False
    if name in MAY_SUCCEED and answer.status == 200:
        return True
    return (answer.status, answer.problem in ("/problems/busy", "/problems/outcome-unknown")) == (503, True) and bool(
        answer.retry_after
    )


def _seconds_until_whole(url: str, customer: Person, target: Target) -> float:
    """Books and reads until both succeed."""
    began = time.monotonic()
    with httpx.Client(base_url=url, timeout=30) as http:
        person = Person(http, customer.id, customer.token)
        while time.monotonic() - began < 2 * RECOVERY_SECONDS:
            booked = person.do("POST", f"/api/events/{target.event['id']}/bookings", tickets(1))
            if booked.status_code in (201, 409) and person.do("GET", f"/api/bookings/{target.booking['id']}").is_success:
                break
            time.sleep(0.05)
    return time.monotonic() - began
