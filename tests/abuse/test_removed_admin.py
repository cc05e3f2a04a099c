"""An admin who is removed while they act: whatever process they ask, the removal is never undone (S19)."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import psycopg
import pytest

from tests.abuse.operations import someone
from tests.running_system import Person, Stack
from tests.soak import rounds

#: Each round one admin is removed, while the admin tries as often as this in each of two processes.
ROUNDS, TRIES = rounds(8, 200), 5


@pytest.fixture(scope="module")
def other_http(stack: Stack) -> Iterator[httpx.Client]:
    with stack.another_api() as url, httpx.Client(base_url=url, timeout=30) as http:
        yield http


@pytest.mark.parametrize("removal", [{"role": "customer"}, {"disabled": True}], ids=["demoted", "disabled"])
def test_a_removed_admin_never_undoes_the_removal(stack: Stack, other_http: httpx.Client, removal: dict[str, object]) -> None:
    undone, made_late = 0, 0
    for _ in range(ROUNDS):
        admin = stack.person("admin")
        elsewhere = Person(other_http, admin.id, admin.token)
        assert elsewhere.do("GET", "/api/users?limit=1").is_success, "both processes know the admin's token"
        removed = threading.Event()
        late: list[bool] = []

        def remove(admin: Person = admin, removed: threading.Event = removed) -> None:
            stack.admin.ok("PATCH", f"/api/users/{admin.id}", removal)
            removed.set()

        def undo(person: Person, removed: threading.Event = removed) -> None:
            for _ in range(TRIES):
                with suppress(httpx.TransportError):
                    person.do("PATCH", f"/api/users/{person.id}", {"role": "admin", "disabled": False})

        def recruit(person: Person, removed: threading.Event = removed, late: list[bool] = late) -> None:
            for _ in range(TRIES):
                too_late = removed.is_set()
                if person.do("POST", "/api/users", someone(role="organizer")).is_success and too_late:
                    late.append(True)

        works: list[Callable[[], None]] = [
            remove, *(lambda way=way, person=person: way(person) for way in (undo, recruit) for person in (admin, elsewhere)),
        ]  # fmt: skip
        with ThreadPoolExecutor(len(works)) as threads:
            for done in [threads.submit(work) for work in works]:
                done.result()
        undone += _is_admin(stack, admin.id)
        made_late += len(late)
    print(f"S19: {ROUNDS} removals, {ROUNDS * TRIES * 4} tries against them, {undone} undone, {made_late} accounts made afterwards")
    assert (undone, made_late) == (0, 0)


def _is_admin(stack: Stack, account_id: str) -> bool:
    with psycopg.connect(stack.settings.database_url) as connection:
        found = connection.execute("SELECT role = 'admin' AND NOT disabled FROM accounts WHERE id = %s", (account_id,)).fetchone()
    assert found is not None
    return bool(found[0])
