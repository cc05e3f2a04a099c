"""Requests that produce the problems of promo codes."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from commands.code_guesses import WRONG_CODES_PER_MINUTE
from tests.abuse.scene import Scene
from tests.running_system import JSON, Person, tickets


def _codes(s: Scene, **more: Any) -> JSON:
    made: JSON = s.organizer.ok("POST", f"{s.path}/codes", {"effect": "fixed", "value": "1", "max_tickets": 1, **more})
    return made


def _withdrawn(s: Scene) -> tuple[str, str]:
    """A code that was withdrawn, and the path of its batch."""
    made = _codes(s)
    path = f"{s.path}/codes/{made['batch']['id']}"
    s.organizer.ok("DELETE", path)
    return made["codes"][0], path


def _book_with(s: Scene, code: str, quantity: int = 1) -> httpx.Response:
    return s.alice.do("POST", f"{s.path}/bookings", {**tickets(quantity), "code": code})


def _code_required(s: Scene) -> httpx.Response:
    body = {"effect": "access", "max_tickets": 9, "categories": ["General"]}
    s.organizer.ok("POST", f"{s.path}/codes", body)
    return s.alice.do("POST", f"{s.path}/bookings", tickets(1))


def _code_taken(s: Scene) -> httpx.Response:
    _codes(s, code="EARLY")
    return s.organizer.do("POST", f"{s.path}/codes", {"effect": "fixed", "value": "1", "max_tickets": 1, "code": "EARLY"})


def _too_many_codes(s: Scene) -> httpx.Response:
    with s.stack.another_api() as url, httpx.Client(base_url=url, timeout=30) as http:
        there = Person(http, token=s.alice.token)
        wrong = {**tickets(1), "code": "GUESS"}
        return [there.do("POST", f"{s.path}/bookings", wrong) for _ in range(WRONG_CODES_PER_MINUTE + 1)][-1]


RECIPES: dict[str, Callable[[Scene], httpx.Response]] = {
    "code-unknown": lambda s: _book_with(s, "NONE"),
    "code-not-valid-now": lambda s: _book_with(s, _withdrawn(s)[0]),
    "code-not-for-category": lambda s: _book_with(s, _codes(s, categories=["VIP"])["codes"][0]),
    "code-spent": lambda s: _book_with(s, _codes(s)["codes"][0], quantity=2),
    "code-required": _code_required,
    "code-taken": _code_taken,
    "codes-not-found": lambda s: s.organizer.do("DELETE", f"{s.path}/codes/{uuid4()}"),
    "codes-already-withdrawn": lambda s: s.organizer.do("DELETE", _withdrawn(s)[1]),
    "too-many-codes": _too_many_codes,
}
FACTS: dict[str, JSON] = {
    "code-spent": {"left": 1}, "code-required": {"category": "General"}, "code-not-for-category": {"categories": ["VIP"]},
}  # fmt: skip
