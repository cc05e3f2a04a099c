"""Each role calls each operation on own and foreign resources (S2). Revocation takes effect in every process within 2 s (S15)."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest

from accounts.tokens import hash_of
from tests.abuse.operations import OPERATIONS, ROLES, SIGNED_IN, Routes, Target, call, is_done, send
from tests.abuse.refusals import refused
from tests.running_system import LATER, Person, Stack
from tests.soak import within

#: These end the session of whoever uses them.
LAST_ONES = ("log_out", "erase_me")
SECONDS = within(2.0)


def test_document_and_table_name_the_same_operations(routes: Routes) -> None:
    assert routes.addresses.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_use_exactly_the_operations_of_the_table(
    role: str, stack: Stack, routes: Routes, people: dict[str, Person], throwaway: str
) -> None:
    wrong, target = {}, None
    for name, operation in OPERATIONS.items():
        person = stack.person(role) if name in LAST_ONES and role != "nobody" else people[role]
        target = target or Target.make(stack, people["organizer"], people["customer"], throwaway)
        status = call(person, routes.request(name, target))
        if status < 400:  # what was refused left it as it was
            target = None
        expected = 401 if role == "nobody" else operation.others.get(role, 403)
        if not (is_done(name, status) if role in operation.roles else status == expected):
            wrong[name] = status
    print(f"S2: as {role}: {len(OPERATIONS)} operations, {len(wrong)} wrong")
    assert not wrong


@pytest.mark.parametrize("role", ["customer", "organizer", "auditor"])
def test_other_users_resources_can_not_be_accessed(role: str, stack: Stack, routes: Routes, target: Target) -> None:
    stranger, wrong, tried = stack.person(role), {}, 0
    for name, operation in OPERATIONS.items():
        if role in operation.others:
            tried += 1
            with send(stranger, routes.request(name, target)) as response:
                refused(response)
                if response.status_code != operation.others[role]:
                    wrong[name] = response.status_code
    print(f"S2: a strange {role}: {tried} operations, {len(wrong)} wrong")
    assert not wrong
    assert stack.admin.ok("GET", f"/api/events/{target.event['id']}", Ledger_Position=target.position)["status"] == "active"
    assert stack.admin.ok("GET", f"/api/bookings/{target.booking['id']}")["status"] == "confirmed"


def test_lists_and_statistics_contain_only_own_data(stack: Stack, target: Target, alice: Person, people: dict[str, Person]) -> None:
    customer, organizer = stack.person(), stack.person("organizer")
    for stranger in (customer, organizer, people["auditor"]):
        assert stranger.ok("GET", "/api/bookings", Ledger_Position=target.position)["items"] == []
        refused(stranger.do("GET", f"/api/bookings?customer_id={alice.id}"), 403, slug="forbidden")
    assert organizer.ok("GET", "/api/stats/events", Ledger_Position=target.position)["items"] == []
    summary = organizer.ok("GET", "/api/stats/summary", Ledger_Position=target.position)
    assert (summary["bookings"], summary["revenue"]) == (0, [])
    assert organizer.ok("GET", "/api/stats/sales", Ledger_Position=target.position)["items"] == []
    refused(organizer.do("GET", f"/api/stats/sales?event_id={target.event['id']}"), 403, slug="not-your-event")
    bookings = stack.admin.ok(
        "GET", f"/api/bookings?customer_id={alice.id}&event_id={target.event['id']}", Ledger_Position=target.position
    )
    assert [item["id"] for item in bookings["items"]] == [target.booking["id"]]


def test_only_the_events_box_office_sells_for_others(stack: Stack, target: Target, state: Callable[[], Any]) -> None:
    body = {
        "tickets": [{"category": "General", "quantity": 1}],
        "customer": {"name": "New", "email": f"new-{target.event['id']}@x.test"},
    }
    strangers = [stack.person(), stack.person("organizer")]
    before = state()
    for stranger in strangers:
        refused(stranger.do("POST", f"/api/events/{target.event['id']}/bookings", body), 403, slug="not-your-event")
    assert state() == before, "no account was made for them either"


def test_erased_person_appears_nowhere(stack: Stack) -> None:
    erased = stack.person()
    erased.ok("DELETE", "/api/me")
    refused(erased.do("GET", "/api/me"), 401, slug="not-signed-in")
    refused(stack.admin.do("PATCH", f"/api/users/{erased.id}", {"role": "admin"}), 404, slug="account-not-found")
    assert stack.admin.ok("GET", f"/api/users?q={erased.email}")["items"] == []


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer x", f"Bearer {'x' * 43}", f"Bearer {'é' * 43}", "Bearer null", f"Bearer {'x' * 9000}",
     "Basic cm9vdDpyb290", "Token x", "Bearer ' OR 1=1 --"],
)  # fmt: skip
def test_invalid_token_is_refused_everywhere(header: str, stack: Stack, routes: Routes, target: Target) -> None:
    for name, operation in OPERATIONS.items():
        if operation.roles <= SIGNED_IN:
            method, path, body, _ = routes.request(name, target)
            response = stack.http.request(method, path, json=body, headers={b"Authorization": header.encode()})
            refused(response, 401, slug="not-signed-in")
            assert response.headers["www-authenticate"] == "Bearer"


def test_expired_token_is_refused(stack: Stack) -> None:
    person = stack.person()
    with psycopg.connect(stack.settings.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE tokens SET expires_at = %s WHERE token_hash = %s", (datetime(2020, 1, 1, tzinfo=UTC), hash_of(person.token))
        )
    refused(person.do("GET", "/api/me"), 401, slug="not-signed-in")


# --- revocation in two processes (S15)


@pytest.fixture(scope="module")
def other_url(stack: Stack) -> Iterator[str]:
    with stack.another_api() as url:
        yield url


def _seconds_until(done: Callable[[], bool]) -> float:
    start = time.monotonic()
    while not done():
        assert time.monotonic() - start < 2 * SECONDS, "it never happened"
        time.sleep(0.01)
    return time.monotonic() - start


@pytest.mark.parametrize("what", ["disabled", "logged out", "role taken", "role given", "password changed"])
def test_revocation_takes_effect_in_every_process_within_2_s(what: str, stack: Stack, other_url: str) -> None:
    person = stack.person("customer" if what == "role given" else "organizer")
    second = stack.log_in(person.email)
    stack.prove_address(person.email)
    event = {"name": "X", "starts_at": LATER, "categories": [{"name": "A", "price": 0, "capacity": 1}]}
    with httpx.Client(base_url=other_url) as http:
        clients = [Person(stack.http, token=person.token), Person(http, token=person.token)]
        before = 403 if what == "role given" else 201
        assert [client.do("POST", "/api/events", event).status_code for client in clients] == [before] * 2, "both know the session"
        if what == "disabled":
            stack.admin.ok("PATCH", f"/api/users/{person.id}", {"disabled": True})
        elif what == "logged out":
            person.ok("POST", "/api/logout")
        elif what == "password changed":
            second.ok("PATCH", "/api/me", {"password": "another good one", "old_password": "correct horse battery"})
        else:
            stack.admin.ok("PATCH", f"/api/users/{person.id}", {"role": "organizer" if what == "role given" else "customer"})
        after = {"role taken": 403, "role given": 201}.get(what, 401)

        def is_in_effect(by: Person) -> bool:
            return by.do("POST", "/api/events", event).status_code == after

        took = [_seconds_until(partial(is_in_effect, by)) for by in clients]
    print(f"S15: {what}: after {max(took):.2f} s in both processes")
    assert max(took) <= SECONDS
