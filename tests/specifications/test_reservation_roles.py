"""Specification 5: the permissions of each role for each operation of both tables."""

from collections.abc import Iterator

import pytest

from tests.running_system import JSON, Stack
from tests.specifications.client import Client
from tests.specifications.reserving import EVENT, TABLES, Table, sign_up

#: No token; an invalid token; another user; the event's organizer; the reservation's owner.
ROLES = ("nobody", "no token", "other", "organizer", "owner")
ANYONE = dict.fromkeys(ROLES, 0)
SIGNED_IN = {**ANYONE, "nobody": 401, "no token": 401}
ORGANIZER = {**SIGNED_IN, "other": 403, "owner": 403}
OWNER = {**SIGNED_IN, "other": 404, "organizer": 404}


Clients = dict[str, Client]


@pytest.fixture(scope="module")
def clients(stack: Stack) -> Clients:
    """A user of each role, shared by all tests. Each test creates its own events and reservations."""
    anyone = Client(stack, "event-reservations")
    return {
        "nobody": anyone,
        "no token": anyone.with_headers(Authorization="Token x"),
        **{role: sign_up(stack).client for role in ROLES[2:]},
    }


class World:
    def __init__(self, clients: Clients, table: Table) -> None:
        self.clients = clients
        self.event = self.clients["organizer"].ok("POST", table.events, EVENT)["id"]
        self.reservation = self.clients["owner"].ok("POST", table.reservations, {"event": self.event})["id"]
        self.second_event = self.clients["organizer"].ok("POST", table.events, EVENT)["id"]


def _rows(table: Table) -> Iterator[tuple[str, str, JSON | None, int, dict[str, int]]]:
    """Method, path, body, status if permitted, and the status for each other role."""
    yield "GET", "/api/events/", None, 200, ANYONE
    yield "POST", table.events, EVENT, 201, SIGNED_IN
    yield "GET", table.event("{event}"), None, 200, SIGNED_IN if table is TABLES[0] else ANYONE  # the tables disagree
    yield "PUT", table.event("{event}"), EVENT, 200, ORGANIZER
    yield "PATCH", table.event("{event}"), {"title": "New"}, 200, ORGANIZER
    yield "DELETE", table.event("{event}"), None, 204, ORGANIZER
    yield "GET", table.reservations_of("{event}"), None, 200, ORGANIZER
    yield "GET", table.reservations, None, 200, SIGNED_IN
    yield "POST", table.reservations, {"event": "{second_event}"}, 201, SIGNED_IN
    yield "GET", table.reservation("{reservation}"), None, 200, OWNER
    yield "DELETE", table.reservation("{reservation}"), None, 204, OWNER


MATRIX = [
    pytest.param(table, method, path, body, role, others[role] or allowed, id=f"{table.name} {method} {path} {role}")
    for table in TABLES
    for method, path, body, allowed, others in _rows(table)
    for role in ROLES
]


@pytest.mark.parametrize(("table", "method", "path", "body", "role", "status"), MATRIX)
def test_each_role_may_use_its_operations(
    clients: Clients, table: Table, method: str, path: str, body: JSON | None, role: str, status: int
) -> None:
    world = World(clients, table)
    ids = {"event": world.event, "second_event": world.second_event, "reservation": world.reservation}
    if body and "event" in body:
        body = {"event": world.second_event}
    response = world.clients[role].do(method, path.format(**ids), body)
    assert response.status_code == status, response.text
    if status >= 400:
        assert response.json().keys() == {"detail"}


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
@pytest.mark.parametrize("role", ["nobody", "other"])
def test_permission_is_checked_before_validation(clients: Clients, table: Table, role: str) -> None:
    world = World(clients, table)
    assert world.clients[role].do("PUT", table.event(world.event), {}).status_code == (401 if role == "nobody" else 403)


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
@pytest.mark.parametrize("path", ["signup", "login"])
def test_public_operations_need_no_token(stack: Stack, table: Table, path: str) -> None:
    assert Client(stack, "event-reservations").do("POST", getattr(table, path), {}).status_code == 400
