"""Promo codes on a running Seatledger: made, used, given back, listed with what was sold, and not guessed."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from commands.code_guesses import WRONG_CODES_PER_MINUTE
from tests.abuse.refusals import refused
from tests.guests import MAIL, Guest, booking
from tests.running_system import JSON, Person, Stack, tickets


@pytest.fixture
def event(stack: Stack, organizer: Person) -> JSON:
    made: JSON = stack.event(organizer)
    return made


@pytest.fixture(scope="module")
def other_url(stack: Stack) -> Iterator[str]:
    """Another API process, which counts wrong codes by itself, and takes orders for mail."""
    with stack.another_api(**MAIL) as url:
        yield url


def at(event: JSON, what: str) -> str:
    return f"/api/events/{event['id']}/{what}"


def make(organizer: Person, event: JSON, **more: Any) -> JSON:
    body = {"effect": "percent", "value": "10", "max_tickets": 2, **more}
    if body["effect"] == "access":
        del body["value"]
    made: JSON = organizer.ok("POST", at(event, "codes"), body)
    return made


def test_a_code_takes_something_off_and_is_given_back(event: JSON, organizer: Person, alice: Person) -> None:
    made = make(organizer, event, count=3, prefix="spring", value="12.5")
    assert (made["batch"]["value"], made["batch"]["prefix"], len(made["codes"])) == ("12.50", "SPRING", 3)
    code = made["codes"][0]
    assert code.startswith("SPRING-")
    order = {**tickets(2), "code": code.lower().replace("-", " "), "expected_total": "87.5"}
    booked = alice.ok("POST", at(event, "bookings"), order)
    assert booked["lines"] == [{"category": "General", "quantity": 2, "unit_price": "50.00", "amount": "87.50"}]
    assert booked["total_amount"] == "87.50"
    assert alice.see(f"/api/bookings/{booked['id']}") == booked
    assert refused(alice.do("POST", at(event, "bookings"), {**tickets(1), "code": code}), 409, slug="code-spent")["left"] == 0
    alice.ok("POST", f"/api/bookings/{booked['id']}/cancel", {"tickets": [booked["tickets"][0]["id"]]})
    assert alice.see(f"/api/bookings/{booked['id']}")["refunded_amount"] == "43.75"
    alice.ok("POST", at(event, "bookings"), {**tickets(1), "code": code})
    organizer.last = alice.last
    [batch] = organizer.see(at(event, "codes"))["items"]
    assert {name: batch[name] for name in ("booked", "cancelled", "held", "gross", "discount", "refunded", "currency")} == {
        "booked": 3, "cancelled": 1, "held": 0, "gross": "131.25", "discount": "18.75", "refunded": "43.75", "currency": "EUR",
    }  # fmt: skip


def test_a_retry_shows_the_codes_again_and_nothing_else_does(event: JSON, organizer: Person) -> None:
    body = {"effect": "fixed", "value": "5.00", "max_tickets": 1, "count": 4}
    first = organizer.do("POST", at(event, "codes"), body, key="codes")
    assert organizer.do("POST", at(event, "codes"), body, key="codes").json() == first.json()
    as_csv = organizer.do("POST", at(event, "codes"), body, key="codes", Accept="text/csv")
    assert as_csv.text.split("\r\n") == ["code", *first.json()["codes"], ""]
    assert "attachment" in as_csv.headers["content-disposition"]
    [batch] = organizer.see(at(event, "codes"))["items"]
    assert not {*first.json()["codes"]} & {str(value) for value in batch.values()}
    other = {**body, "count": 5}
    refused(organizer.do("POST", at(event, "codes"), other, key="codes"), 422, slug="idempotency-key-reused")


def test_a_hold_uses_the_code_and_its_confirmation_keeps_it(event: JSON, organizer: Person, alice: Person, bob: Person) -> None:
    made = make(organizer, event, code="Early", max_tickets=2)
    assert (made["codes"], made["batch"]["code"]) == (["EARLY"], "EARLY")
    held = alice.ok("POST", at(event, "holds"), {**tickets(2), "code": "early"})
    assert held["total_amount"] == "90.00"
    assert alice.see(f"/api/holds/{held['id']}") == {name: value for name, value in held.items() if name != "token"}
    refused(bob.do("POST", at(event, "bookings"), {**tickets(1), "code": "EARLY"}), 409, slug="code-spent")
    organizer.ok("DELETE", at(event, f"codes/{made['batch']['id']}"))
    refused(bob.do("POST", at(event, "bookings"), {**tickets(1), "code": "EARLY"}), 409, slug="code-not-valid-now")
    booked = alice.ok("POST", f"/api/holds/{held['id']}/confirm", {"expected_total": "90.00"})
    assert booked["total_amount"] == "90.00"
    refused(organizer.do("DELETE", at(event, f"codes/{made['batch']['id']}")), 409, slug="codes-already-withdrawn")


def test_a_released_hold_gives_the_code_back(event: JSON, organizer: Person, alice: Person, bob: Person) -> None:
    [code] = make(organizer, event)["codes"]
    held = alice.ok("POST", at(event, "holds"), {**tickets(2), "code": code})
    alice.ok("DELETE", f"/api/holds/{held['id']}")
    assert bob.ok("POST", at(event, "bookings"), {**tickets(2), "code": code})["total_amount"] == "90.00"


def test_a_category_is_sold_only_with_a_code(stack: Stack, event: JSON, organizer: Person, alice: Person) -> None:
    made = make(organizer, event, effect="access", categories=["VIP"], code="FRIENDS", max_tickets=4)
    vip = {"tickets": [{"category": "VIP", "quantity": 1}]}
    assert refused(alice.do("POST", at(event, "bookings"), vip), 409, slug="code-required")["category"] == "VIP"
    shown = organizer.see(f"/api/events/{event['id']}")
    assert [category["needs_code"] for category in shown["categories"]] == [False, True]
    assert shown["has_codes"]
    assert (shown["details_version"], shown["available"]) == (event["details_version"], event["available"])
    assert alice.ok("POST", at(event, "bookings"), {**vip, "code": "friends"})["total_amount"] == "150.00"
    problem = refused(alice.do("POST", at(event, "bookings"), {**tickets(1), "code": "friends"}), 409, slug="code-not-for-category")
    assert problem["categories"] == ["VIP"]
    organizer.ok("DELETE", at(event, f"codes/{made['batch']['id']}"))
    shown = organizer.see(f"/api/events/{event['id']}")
    assert not shown["has_codes"]
    assert not any(category["needs_code"] for category in shown["categories"])
    alice.ok("POST", at(event, "bookings"), vip)


def test_guests_use_codes(event: JSON, organizer: Person, other_url: str) -> None:
    [code] = make(organizer, event)["codes"]
    with Guest().at(other_url) as http:
        response = http.post(at(event, "bookings"), json={**booking("guest@example.test"), "code": code})
    booked = response.json()
    assert response.status_code == 201, booked
    assert booked["lines"][0]["amount"] != booked["lines"][0]["unit_price"]


def test_wrong_codes_are_limited(event: JSON, organizer: Person, alice: Person, other_url: str) -> None:
    [code] = make(organizer, event)["codes"]
    with httpx.Client(base_url=other_url, timeout=30) as http:
        there = Person(http, token=alice.token)
        for number in range(WRONG_CODES_PER_MINUTE):
            path = at(event, "bookings" if number % 2 else "holds")
            refused(there.do("POST", path, {**tickets(1), "code": f"GUESS{number}"}), 422, slug="code-unknown")
        blocked = there.do("POST", at(event, "bookings"), {**tickets(1), "code": code})
        refused(blocked, 429, slug="too-many-codes")
        assert 0 < int(blocked.headers["Retry-After"]) <= 60
        there.ok("POST", at(event, "bookings"), tickets(1))
    alice.ok("POST", at(event, "bookings"), {**tickets(1), "code": code})


def test_codes_are_not_tried_many_at_once(event: JSON, organizer: Person, alice: Person, stack: Stack) -> None:
    make(organizer, event)

    def guess(number: int) -> str:
        with httpx.Client(base_url=url, timeout=30) as http:
            response = Person(http, token=alice.token).do("POST", at(event, "bookings"), {**tickets(1), "code": f"GUESS{number}"})
        slug: str = response.json()["type"].rpartition("/")[2]
        return slug

    with stack.another_api() as url, ThreadPoolExecutor(60) as threads:
        answers = Counter(threads.map(guess, range(60)))
    assert answers == {"code-unknown": WRONG_CODES_PER_MINUTE, "too-many-codes": 60 - WRONG_CODES_PER_MINUTE}


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"effect": "percent", "value": "100.01"}, "value"),
        ({"effect": "percent", "value": "0"}, "value"),
        ({"effect": "percent", "value": "1.005"}, "value"),
        ({"effect": "fixed", "value": "0.001"}, "value"),
        ({"effect": "fixed", "value": None}, ""),
        ({"effect": "access", "value": "1"}, ""),
        ({"effect": "free"}, "effect"),
        ({"count": 10_001}, "count"),
        ({"count": 0}, "count"),
        ({"max_tickets": 10**12}, "max_tickets"),
        ({"code": "EARLY", "count": 2}, ""),
        ({"code": "EARLY", "prefix": "SPRING"}, ""),
        ({"code": "=1+1"}, "code"),
        ({"prefix": "-A-"}, "prefix"),
        ({"categories": ["Balcony"]}, "categories"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "valid_until"),
        ({"valid_from": "2031-03-30T02:30:00"}, None),
    ],
)
def test_malformed_codes_are_refused(event: JSON, organizer: Person, wrong: JSON, path: str | None) -> None:
    body = {"effect": "percent", "value": "10", "max_tickets": 2, **wrong}
    if path is None:  # a time that does not exist in the time zone of an event
        zone = organizer.do("PATCH", f"/api/events/{event['id']}", {"timezone": "Europe/Berlin"}, If_Match='"1"')
        assert zone.is_success
        path = "valid_from"
    problem = refused(organizer.do("POST", at(event, "codes"), body), 422, slug="malformed")
    assert path in [error["path"] for error in problem["errors"]]


def test_a_word_is_taken_once(event: JSON, organizer: Person) -> None:
    make(organizer, event, code="EARLY")
    again = {"effect": "fixed", "value": "1", "max_tickets": 1, "code": "ear-ly"}
    refused(organizer.do("POST", at(event, "codes"), again), 409, slug="code-taken")


def test_no_codes_are_made_during_an_upgrade(stack: Stack, event: JSON, organizer: Person) -> None:
    with stack.another_api(HOLDS="0") as url, httpx.Client(base_url=url, timeout=30) as http:
        body = {"effect": "percent", "value": "10", "max_tickets": 2}
        refused(Person(http, token=organizer.token).do("POST", at(event, "codes"), body), 403, slug="holds-off")
