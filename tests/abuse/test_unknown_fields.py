"""Unknown fields in any object of any body are refused and named, and nothing is changed (S3)."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.abuse.operations import LINKS, OPERATIONS, Routes, Target, is_done
from tests.abuse.refusals import paths, refused
from tests.running_system import JSON, Person, Stack

SOMEBODY = {"name": "A", "email": "a@example.test"}
NAMES = ("role", "organizer_id", "price", "id", "status", "customer_id", "is_admin", "disabled", "__proto__")
#: Everything that takes a JSON body, and where objects are in it.
BODIES = {
    "sign_up": [""],
    "log_in": [""],
    "update_me": [""],
    "reauthenticate": [""],
    "confirm_second_factor": [""],
    **{name: [""] for name in LINKS},
    "confirm_email": [""],
    "create_user": [""],
    "update_user": [""],
    "create_event": ["", "categories.0", "pools.0", "payment"],
    "update_event": ["", "categories.0", "pools.0", "payment"],
    "cancel_event": [""],
    "make_codes": [""],
    "check_in_ticket": [""],
    "book_tickets": ["", "tickets.0", "customer", "contact"],
    "hold_tickets": ["", "tickets.0", "customer", "contact"],
    "confirm_hold": ["", "contact"],
    "pay_hold": ["", "contact"],
    "give_unbooked_refund": [""],
    "verify_contact": [""],
    "confirm_contact": [""],
    "cancel_tickets": [""],
    "take_payment": [""],
    "give_refund": [""],
    "create_webhook": [""],
    "update_webhook": [""],
    "replay_webhook": [""],
    "write_to_attendees": [""],
    "cancel_managed_tickets": [""],
}


def _objects(routes: Routes, schema: JSON, path: str = "") -> Iterator[tuple[str, JSON]]:
    """Each object in a body: its path, and the schema of its fields."""
    schema = routes.resolve(schema)
    for option in schema.get("anyOf", []):
        yield from _objects(routes, option, path)
    if "items" in schema:
        yield from _objects(routes, schema["items"], f"{path}.0")
    if "properties" in schema:
        yield path.lstrip("."), schema["properties"]
        for name, inner in schema["properties"].items():
            yield from _objects(routes, inner, f"{path}.{name}")


def _inner(body: Any, path: str) -> JSON:
    for step in filter(None, path.split(".")):
        body = body[int(step) if step.isdigit() else step]
    parent: JSON = body
    return parent


def _body(name: str, target: Target) -> JSON:
    body = target.body(name)
    assert body is not None
    return body | ({"customer": SOMEBODY} if name in ("book_tickets", "hold_tickets") else {})


def _as_guest(body: JSON) -> JSON:
    """The same booking without a log-in."""
    return {**{name: value for name, value in body.items() if name != "customer"}, "contact": {**SOMEBODY}}


def test_table_lists_all_request_bodies(routes: Routes) -> None:
    objects = {name: [path for path, _ in _objects(routes, schema)] for name in OPERATIONS if (schema := routes.schema(name))}
    assert objects == BODIES


@pytest.mark.parametrize("name", BODIES)
def test_unknown_fields_are_refused_and_named(
    name: str, stack: Stack, routes: Routes, target: Target, state: Callable[[], Any]
) -> None:
    admin: Person = stack.admin
    method, path, _, headers = routes.request(name, target)
    bearer = {"Authorization": f"Bearer {target.unnamed['token']}"} if name in ("confirm_hold", "pay_hold") else {}
    schema, body, before, sent = routes.schema(name), _body(name, target), state(), 0
    assert schema is not None
    for where, known in _objects(routes, schema):
        for field in (name for name in NAMES if name not in known):
            wrong = _as_guest(body) if where == "contact" else deepcopy(body)
            _inner(wrong, where)[field] = "admin"
            log_in = bearer if where == "contact" else {"Authorization": f"Bearer {admin.token}"}
            of_guest = path.replace(target.ids["hold_id"], target.unnamed["id"]) if log_in is bearer and bearer else path
            response = stack.http.request(method, of_guest, json=wrong, headers={**log_in, **headers})
            assert f"{where}.{field}".lstrip(".") in paths(refused(response, 422, slug="malformed")), (where, field)
            sent += 1
    assert state() == before, "nothing was done"
    print(f"S3: {name}: {sent} bodies with a field too many, all refused")
    response = stack.http.request(method, path, json=body, headers={"Authorization": f"Bearer {admin.token}", **headers})
    assert is_done(name, response.status_code), "without the field it is accepted"
