"""Guests who hoard, and people who do things in the name of others (S20, S21): without an account, too, everything has a bound."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from tests.abuse.refusals import refused
from tests.guests import MAIL, Guest, booking, proof_for
from tests.running_system import Person, Stack, tickets

#: Commands of one account, or of all guests of one address, a minute.
LIMIT = 12


def test_guests_of_one_address_are_bounded_as_one_account(stack: Stack, organizer: Person) -> None:
    """Whatever they call themselves and whatever secrets they send. An account that books from there is not kept out by them."""
    event = stack.event(organizer, capacity=500)
    path = f"/api/events/{event['id']}/bookings"
    with stack.another_api(COMMANDS_PER_MINUTE=str(LIMIT)) as url:
        statuses = []
        began = time.monotonic()
        for _ in range(LIMIT + 5):
            with Guest().at(url) as guest:
                response = guest.post(path, json=booking(f"{uuid4().hex}@example.test", 10))
                statuses.append(response.status_code)
                if response.status_code == 429:
                    refused(response, 429, slug="too-many-requests")
                    assert 1 <= int(response.headers["retry-after"]) <= 60
        with Guest().at(url) as http:
            headers = {"Authorization": f"Bearer {stack.person().token}"}
            assert http.post(path, json=tickets(), headers=headers).status_code == 201
    sold = 500 + 5 - organizer.see(f"/api/events/{event['id']}")["available"]
    print(f"S20: {len(statuses)} guests of one address: {statuses.count(201)} booked, {sold} seats sold")
    assert time.monotonic() - began < 60, "too slow a machine: the minute was over"
    assert statuses == [201] * LIMIT + [429] * 5


def test_unproven_guests_can_not_use_up_what_a_person_may_book(stack: Stack, organizer: Person) -> None:
    """Who gives somebody else's address neither books for them, nor keeps them from booking."""
    event = stack.event(organizer, guest_checkout="open")
    path, email = f"/api/events/{event['id']}/bookings", f"{uuid4().hex}@example.test"
    with stack.another_api(**MAIL, GUEST_MAILS_PER_HOUR="3") as url:
        with Guest().at(url) as stranger:
            statuses = [stranger.post(path, json=booking(email)).status_code for _ in range(5)]
        changed = organizer.ok("PATCH", f"/api/events/{event['id']}", {"max_tickets_per_customer": 2}, If_Match='"1"')
        assert changed["guest_checkout"] == "proven"
        with Guest().at(url) as owner:
            mine = owner.post(path, json=booking(email, 2, proof=proof_for(owner, stack.settings, email)))
            assert mine.status_code == 201, "of the limit nothing is used"
    assert statuses == [201] * 3 + [403] * 2


def test_one_booking_that_is_sent_many_times_at_once_counts_once(stack: Stack, organizer: Person) -> None:
    path, email = f"/api/events/{stack.event(organizer)['id']}/bookings", f"{uuid4().hex}@example.test"
    with stack.another_api(**MAIL, GUEST_MAILS_PER_HOUR="3") as url, Guest().at(url) as http:
        assert http.post(path, json=booking(email), headers={"Idempotency-Key": "first"}).status_code == 201
        with ThreadPoolExecutor(8) as pool:
            sent = list(pool.map(lambda _: http.post(path, json=booking(email), headers={"Idempotency-Key": "one"}), range(8)))
        assert {(answer.status_code, answer.json()["id"]) for answer in sent} == {(201, sent[0].json()["id"])}
        assert [http.post(path, json=booking(email)).status_code for _ in range(2)] == [201, 403]


def test_booking_for_somebody_elses_address_gives_nothing_to_or_from_their_account(
    stack: Stack, organizer: Person, alice: Person
) -> None:
    event = stack.event(organizer, guest_checkout="open")
    with Guest().at(stack.url) as stranger:
        made = stranger.post(f"/api/events/{event['id']}/bookings", json=booking(alice.email))
    position = made.headers["ledger-position"]
    booked = made.json()
    refused(alice.insist("GET", f"/api/bookings/{booked['id']}", Ledger_Position=position), 404)
    mine = alice.ok("GET", f"/api/bookings?event_id={event['id']}", Ledger_Position=position)
    assert mine["items"] == []
    with Guest().at(stack.url) as another:
        for http in (another, stack.http):
            refused(http.get(f"/api/bookings/{booked['id']}"), 401)
            refused(http.delete(f"/api/bookings/{booked['id']}"), 401)
