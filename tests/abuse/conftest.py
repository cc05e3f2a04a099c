"""Fixtures of the abuse tests: the live OpenAPI document, a user of each role, and an API process with production limits."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.abuse.operations import Routes, Target
from tests.running_system import Person, Stack


@pytest.fixture(scope="session")
def routes(stack: Stack) -> Routes:
    return Routes(stack.http.get("/openapi.json").json())


@pytest.fixture(scope="session")
def people(stack: Stack, organizer: Person, alice: Person) -> dict[str, Person]:
    """A user of each role. The customer and the organizer are those of `target`."""
    return {
        "nobody": stack.nobody(), "customer": alice, "organizer": organizer, "auditor": stack.person("auditor"),
        "admin": stack.person("admin"),
    }  # fmt: skip


@pytest.fixture
def throwaway(stack: Stack) -> str:
    """The id of an account that tests may change and erase."""
    return stack.person().id


@pytest.fixture
def target(stack: Stack, organizer: Person, alice: Person, throwaway: str) -> Target:
    return Target.make(stack, organizer, alice, throwaway)


@pytest.fixture(scope="session")
def state(stack: Stack) -> Iterator[Callable[[], Any]]:
    """Returns a function whose result changes with any change of the ledger or the accounts."""
    people = "SELECT md5(string_agg(a::text, '' ORDER BY id)) FROM accounts a"
    query = f"SELECT (SELECT max(notification_id) FROM ledger_entries), ({people})"
    with psycopg.connect(stack.settings.database_url, autocommit=True) as connection:
        yield lambda: connection.execute(query).fetchone()


def strict(redis_url: str) -> dict[str, str]:
    """Settings as in production: ten log-ins per minute, cookies only for HTTPS, no trusted proxy. A Redis of its own, because
    failed log-ins of other tests would count."""
    return {"LOGIN_ATTEMPTS_PER_MINUTE": "10", "SECURE_COOKIES": "1", "FORWARDED_ALLOW_IPS": "192.0.2.1", "REDIS_URL": redis_url}


@pytest.fixture(scope="module")
def strict_api(stack: Stack, _redis_urls: Iterator[str]) -> Iterator[str]:
    with stack.another_api(**strict(next(_redis_urls))) as url:
        yield url


class Sender:
    """Sends requests as an admin, who may use every operation."""

    def __init__(self, stack: Stack, routes: Routes, target: Target) -> None:
        self.stack, self.routes, self.target = stack, routes, target

    def raw(self, name: str, content: Any, **headers: Any) -> httpx.Response:
        method, path, _, more = self.routes.request(name, self.target)
        sent = {"Authorization": f"Bearer {self.stack.admin.token}", "Content-Type": "application/json", **more, **headers}
        return self.stack.http.request(method, path, content=content, headers=sent)

    def query(self, name: str, query: str) -> httpx.Response:
        method, path, _, more = self.routes.request(name, self.target)
        return self.stack.http.request(
            method, f"{path.partition('?')[0]}?{query}", headers={"Authorization": f"Bearer {self.stack.admin.token}", **more}
        )


@pytest.fixture
def sender(stack: Stack, routes: Routes, target: Target) -> Sender:
    return Sender(stack, routes, target)


@pytest.fixture(scope="session")
def contact(stack: Stack, organizer: Person) -> None:
    """The customer of `full_body` is the organizer's contact already: a new one is made before a booking is decided."""
    sale = {"tickets": [{"category": "General", "quantity": 1}], "customer": {"name": "Root", "email": "root@example.test"}}
    organizer.ok("POST", f"/api/events/{stack.event(organizer)['id']}/bookings", sale)


@pytest.fixture
def nothing_happens(contact: None, state: Callable[[], Any], sender: Sender) -> Iterator[None]:
    """To be named after what the test sets up."""
    assert sender.target.managed  # made before the state is read
    before = state()
    yield
    assert state() == before, "something was done"
