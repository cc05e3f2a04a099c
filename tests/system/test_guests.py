"""Booking without an account, on a running Seatledger."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.abuse.refusals import paths, refused
from tests.guests import MAIL, Guest, booking, mailed_code, proof_for
from tests.running_system import JSON, Person, Stack, tickets


@pytest.fixture(scope="module")
def mail_url(stack: Stack) -> Iterator[str]:
    """An API process that takes orders for mail."""
    with stack.another_api(**MAIL, GUEST_MAILS_PER_HOUR="5") as url:
        yield url


@pytest.fixture
def guest(mail_url: str) -> Iterator[httpx.Client]:
    with Guest().at(mail_url) as http:
        yield http


@pytest.fixture
def email() -> str:
    return f"{uuid4().hex}@example.test"


def path_of(event: JSON) -> str:
    return f"/api/events/{event['id']}/bookings"


def contacts(stack: Stack, email: str) -> list[tuple[str, bool]]:
    """The ids of contacts with this address, oldest first, and whether each has proved it."""
    with psycopg.connect(stack.settings.database_url) as connection:
        sql = "SELECT id::text, email_proven_at IS NOT NULL FROM accounts WHERE contact_email = %s ORDER BY created_at"
        return connection.execute(sql, (email,)).fetchall()


def test_a_guest_books_at_once_where_the_event_is_open(stack: Stack, organizer: Person, guest: httpx.Client, email: str) -> None:
    event = stack.event(organizer)
    assert event["guest_checkout"] == "open", "the default"
    answer = guest.post(path_of(event), json=booking(email, 2))
    assert answer.status_code == 201, answer.text
    booked = answer.json()
    assert (booked["status"], len(booked["tickets"])) == ("confirmed", 2)
    assert contacts(stack, email) == [(booked["customer_id"], False)]
    listed = organizer.ok("GET", path_of(event), Ledger_Position=answer.headers["ledger-position"])["items"]
    assert [one["customer"] for one in listed] == [{"id": booked["customer_id"], "name": "A Guest", "email": email}]


def test_unproven_bookings_of_one_address_have_a_contact_each(
    stack: Stack, organizer: Person, guest: httpx.Client, email: str
) -> None:
    event = stack.event(organizer)
    ids = [guest.post(path_of(event), json=booking(email)).json()["customer_id"] for _ in range(2)]
    assert len(set(ids)) == 2
    assert [id_ for id_, _ in contacts(stack, email)] == ids


def test_a_limit_holds_over_all_proven_bookings_of_an_address(
    stack: Stack, organizer: Person, guest: httpx.Client, mail_url: str, email: str
) -> None:
    event = stack.event(organizer, max_tickets_per_customer=2)
    assert event["guest_checkout"] == "proven", "the default where there is a limit"
    refused(guest.post(path_of(event), json=booking(email)), 403, slug="email-unverified")
    assert contacts(stack, email) == []
    proof = proof_for(guest, stack.settings, email)
    first = guest.post(path_of(event), json=booking(email, proof=proof))
    assert first.status_code == 201, first.text
    with Guest().at(mail_url) as elsewhere:
        again = booking(email, 2, proof=proof_for(elsewhere, stack.settings, email))
        problem = refused(elsewhere.post(path_of(event), json=again), 409, slug="customer-limit")
    assert problem["held"] == 1
    assert contacts(stack, email) == [(first.json()["customer_id"], True)]


def test_a_limit_holds_for_the_account_at_once_after_its_owner_booked_as_a_guest(
    stack: Stack, organizer: Person, guest: httpx.Client, alice: Person
) -> None:
    event = stack.event(organizer, max_tickets_per_customer=2)
    stack.prove_address(alice.email)
    account = Person(guest, token=alice.token)
    account.ok("GET", "/api/me")  # the process knows the session
    proof = proof_for(guest, stack.settings, alice.email)
    assert guest.post(path_of(event), json=booking(alice.email, 2, proof=proof)).status_code == 201
    problem = refused(account.do("POST", path_of(event), tickets(1)), 409, slug="customer-limit")
    assert problem["held"] == 2


def test_a_limit_is_set_on_an_open_event(stack: Stack, organizer: Person, guest: httpx.Client, email: str) -> None:
    event = stack.event(organizer)
    changed = organizer.ok("PATCH", f"/api/events/{event['id']}", {"max_tickets_per_customer": 2}, If_Match='"1"')
    assert changed["guest_checkout"] == "proven"
    refused(guest.post(path_of(event), json=booking(email)), 403, slug="email-unverified")
    problem = organizer.do("PATCH", f"/api/events/{event['id']}", {"guest_checkout": "open"}, If_Match='"2"')
    assert paths(refused(problem, 422, slug="malformed")) == {"guest_checkout"}


def test_a_proof_belongs_to_one_browser_and_one_address(
    stack: Stack, organizer: Person, guest: httpx.Client, mail_url: str, email: str
) -> None:
    event = stack.event(organizer, guest_checkout="proven")
    proof = proof_for(guest, stack.settings, email)
    with Guest().at(mail_url) as stranger, httpx.Client(base_url=mail_url) as nobody:
        for thief in (stranger, nobody):
            refused(thief.post(path_of(event), json=booking(email, proof=proof)), 403, slug="email-unverified")
    for wrong in (booking(f"other-{email}", proof=proof), booking(email, proof=proof[:-2] + "AA"), booking(email, proof="x")):
        refused(guest.post(path_of(event), json=wrong), 403, slug="email-unverified")
    assert guest.post(path_of(event), json=booking(email, proof=proof)).status_code == 201


def test_a_code_belongs_to_the_browser_that_asked(stack: Stack, guest: httpx.Client, mail_url: str, email: str) -> None:
    assert guest.post("/api/contacts/verify", json={"email": email}).status_code == 202
    body = {"email": email, "code": mailed_code(stack.settings, email)}
    with Guest().at(mail_url) as stranger, httpx.Client(base_url=mail_url) as nobody:
        for thief in (stranger, nobody):
            refused(thief.post("/api/contacts/confirm", json=body), 410, slug="token-expired")
    spaced = {**body, "code": f" {body['code'][:3]} {body['code'][3:]}"}
    assert guest.post("/api/contacts/confirm", json=spaced).status_code == 200
    refused(guest.post("/api/contacts/confirm", json=body), 410, slug="token-expired")


def test_a_code_is_void_after_five_wrong_ones(stack: Stack, guest: httpx.Client, email: str) -> None:
    assert guest.post("/api/contacts/verify", json={"email": email}).status_code == 202
    right = mailed_code(stack.settings, email)
    wrong = {"email": email, "code": "000000" if right != "000000" else "111111"}
    for _ in range(5):
        problem = refused(guest.post("/api/contacts/confirm", json=wrong), 422, slug="wrong-mailed-code")
        assert paths(problem) == {"code"}
    refused(guest.post("/api/contacts/confirm", json={"email": email, "code": right}), 410, slug="token-expired")
    assert guest.post("/api/contacts/verify", json={"email": email}).status_code == 202, "another mail has another code"
    refused(guest.post("/api/contacts/confirm", json={"email": email, "code": right}), 422, slug="wrong-mailed-code")
    newest = {"email": email, "code": mailed_code(stack.settings, email)}
    assert guest.post("/api/contacts/confirm", json=newest).status_code == 200


def test_a_code_is_used_by_one_of_many_at_once(stack: Stack, guest: httpx.Client, email: str) -> None:
    assert guest.post("/api/contacts/verify", json={"email": email}).status_code == 202
    body = {"email": email, "code": mailed_code(stack.settings, email)}
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(guest.post, "/api/contacts/confirm", json=body) for _ in range(4)]
        assert sorted(answer.result().status_code for answer in answers) == [200, 410, 410, 410]


def test_an_old_code_has_expired(stack: Stack, guest: httpx.Client, email: str) -> None:
    assert guest.post("/api/contacts/verify", json={"email": email}).status_code == 202
    code = mailed_code(stack.settings, email)
    with psycopg.connect(stack.settings.database_url) as connection:
        connection.execute("UPDATE contact_codes SET expires_at = now() WHERE email = %s", (email,))
    refused(guest.post("/api/contacts/confirm", json={"email": email, "code": code}), 410, slug="token-expired")


# --- keys


def test_strangers_with_the_same_key_get_bookings_of_their_own(
    stack: Stack, organizer: Person, guest: httpx.Client, mail_url: str, email: str
) -> None:
    event, key = stack.event(organizer), {"Idempotency-Key": "1"}
    mine = guest.post(path_of(event), json=booking(email), headers=key).json()
    with Guest().at(mail_url) as stranger:
        theirs = stranger.post(path_of(event), json=booking(email), headers=key).json()
    others = guest.post(path_of(event), json=booking(f"other-{email}"), headers=key).json()
    another = guest.post(path_of(stack.event(organizer)), json=booking(email), headers=key).json()
    assert len({one["id"] for one in (mine, theirs, others, another)}) == 4
    codes = [ticket["code"] for one in (mine, theirs, others, another) for ticket in one["tickets"]]
    assert len(set(codes)) == 4


def test_a_retry_gets_the_first_booking(stack: Stack, organizer: Person, guest: httpx.Client, email: str) -> None:
    event, key = stack.event(organizer), {"Idempotency-Key": "again"}
    with ThreadPoolExecutor(5) as pool:
        answers = [pool.submit(guest.post, path_of(event), json=booking(email), headers=key) for _ in range(5)]
        made = [answer.result() for answer in answers]
    assert {answer.status_code for answer in made} == {201}
    assert len({answer.text for answer in made}) == 1
    assert contacts(stack, email) == [(made[0].json()["customer_id"], False)], "others were thrown away"
    refused(guest.post(path_of(event), json=booking(email, 2), headers=key), 422, slug="idempotency-key-reused")
    other_name = {**booking(email), "contact": {"name": "Another", "email": email}}
    refused(guest.post(path_of(event), json=other_name, headers=key), 422, slug="idempotency-key-reused")


def test_a_retry_of_a_proven_booking_needs_no_proof_that_still_holds(
    stack: Stack, organizer: Person, guest: httpx.Client, email: str
) -> None:
    event, key = stack.event(organizer, guest_checkout="proven"), {"Idempotency-Key": "again"}
    proof = proof_for(guest, stack.settings, email)
    first = guest.post(path_of(event), json=booking(email, proof=proof), headers=key)
    late = guest.post(path_of(event), json=booking(email, proof="expired"), headers=key)
    assert (late.status_code, late.text) == (201, first.text)


def test_a_key_without_a_secret_is_refused_and_the_browser_gets_one(stack: Stack, organizer: Person, email: str) -> None:
    event = stack.event(organizer)
    with httpx.Client(base_url=stack.url, headers={"Idempotency-Key": "1"}) as browser:
        problem = browser.post(path_of(event), json=booking(email))
        assert paths(refused(problem, 422, slug="guest-secret-missing")) == {"Idempotency-Key"}
        cookie = problem.headers["set-cookie"].lower()
        assert cookie.startswith("seatledger_guest=")
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        first, again = (browser.post(path_of(event), json=booking(email)) for _ in range(2))
        assert (first.status_code, again.text) == (201, first.text)


def test_a_browser_that_asks_for_a_code_gets_a_secret(stack: Stack, organizer: Person, mail_url: str, email: str) -> None:
    path = path_of(stack.event(organizer, guest_checkout="proven"))
    with httpx.Client(base_url=mail_url) as browser:
        proof = proof_for(browser, stack.settings, email)
        secret = browser.cookies["seatledger_guest"]
        answer = browser.post(path, json=booking(email, proof=proof), headers={"Idempotency-Key": "1"})
        assert answer.status_code == 201, answer.text
        assert browser.cookies["seatledger_guest"] == secret, "it keeps the one that it has"


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, "x" * 129, "x" * 31 + ".", "é" * 40])
def test_a_secret_that_could_be_guessed_is_refused(stack: Stack, organizer: Person, email: str, secret: str) -> None:
    headers = httpx.Headers({b"Guest-Secret": secret.encode(), b"Idempotency-Key": b"1"})
    with httpx.Client(base_url=stack.url) as http:
        problem = http.post(path_of(stack.event(organizer)), json=booking(email), headers=headers)
    assert paths(refused(problem, 422)) == {"Guest-Secret"}


# --- refusals


def test_a_refused_guest_leaves_nothing_behind(stack: Stack, organizer: Person, guest: httpx.Client, email: str) -> None:
    event = stack.event(organizer, capacity=1)
    refused(guest.post(path_of(event), json=booking(email, 2)), 409, slug="sold-out")
    refused(guest.post(path_of(event), json=booking(email, expected_total="1.00")), 409, slug="price-changed")
    off = stack.event(organizer, guest_checkout="off")
    refused(guest.post(path_of(off), json=booking(email)), 403, slug="guest-checkout-off")
    assert contacts(stack, email) == []


@pytest.mark.parametrize(
    ("contact", "path"),
    [
        ({"name": "A"}, "contact.email"),
        ({"email": "a@example.test"}, "contact.name"),
        ({"name": "", "email": "a@example.test"}, "contact.name"),
        ({"name": "A\r\nBcc: x@example.test", "email": "a@example.test"}, "contact.name"),
        ({"name": "Win at https://evil.test", "email": "a@example.test"}, "contact.name"),
        ({"name": "See evil.example now", "email": "a@example.test"}, "contact.name"),
        ({"name": "Win at WWW.EVIL.COM/X", "email": "a@example.test"}, "contact.name"),
        ({"name": "Evil.Com", "email": "a@example.test"}, "contact.name"),
        ({"name": "evil\u3002com", "email": "a@example.test"}, "contact.name"),
        ({"name": "x.co", "email": "a@example.test"}, "contact.name"),
        ({"name": "A", "email": "none"}, "contact.email"),
        ({"name": "A", "email": "a@example.test\nBcc: b@example.test"}, "contact.email"),
        ({"name": 1, "email": []}, "contact.name"),
    ],
)
def test_contacts_that_are_none_are_refused_at_their_field(stack: Stack, organizer: Person, contact: JSON, path: str) -> None:
    problem = stack.http.post(path_of(stack.event(organizer)), json={**tickets(), "contact": contact})
    assert path in paths(refused(problem, 422, slug="malformed"))


def test_the_box_office_is_not_for_guests(stack: Stack, organizer: Person, email: str) -> None:
    body = {**booking(email), "customer": {"name": "A", "email": email}}
    assert paths(refused(stack.http.post(path_of(stack.event(organizer)), json=body), 422)) == {"customer"}


def test_who_is_logged_in_is_no_guest(stack: Stack, organizer: Person, alice: Person, email: str) -> None:
    path = path_of(stack.event(organizer))
    for person in (alice, organizer, stack.admin):
        assert paths(refused(person.do("POST", path, booking(email)), 422, slug="malformed")) == {"contact"}
        assert paths(refused(person.do("POST", path, {**tickets(), "proof": "x"}), 422)) == {"proof"}
    refused(stack.person("auditor").do("POST", path, booking(email)), 403, slug="forbidden")
    assert contacts(stack, email) == []


def test_bookings_and_codes_do_not_tell_whether_there_is_an_account(
    stack: Stack, organizer: Person, alice: Person, guest: httpx.Client, email: str
) -> None:
    event = stack.event(organizer)
    known, unknown = (guest.post(path_of(event), json=booking(address)) for address in (alice.email, email))
    assert (known.status_code, known.json().keys()) == (unknown.status_code, unknown.json().keys())
    assert known.json()["customer_id"] != alice.id
    asked = [guest.post("/api/contacts/verify", json={"email": address}) for address in (alice.email, email)]
    assert len({(answer.status_code, answer.text) for answer in asked}) == 1


def test_codes_and_unproven_bookings_of_an_address_are_limited(
    stack: Stack, organizer: Person, guest: httpx.Client, mail_url: str, email: str
) -> None:
    """No mail bomb: an address gets five codes and five confirmations an hour, from however many browsers."""
    event = stack.event(organizer, capacity=50)
    assert [guest.post(path_of(event), json=booking(email)).status_code for _ in range(6)] == [201] * 5 + [403]
    with Guest().at(mail_url) as stranger:
        refused(stranger.post(path_of(event), json=booking(email)), 403, slug="email-unverified")
    proof = proof_for(guest, stack.settings, email)
    assert guest.post(path_of(event), json=booking(email, proof=proof)).status_code == 201, "proven, there is no limit"
    statuses = []
    for _ in range(5):
        with Guest().at(mail_url) as browser:
            statuses.append(browser.post("/api/contacts/verify", json={"email": email}).status_code)
    assert statuses == [202] * 4 + [429], "the fifth before was the guest's own"
    with psycopg.connect(stack.settings.database_url) as connection:
        sql = "SELECT count(*) FROM outbox JOIN contact_codes c ON c.id = recipient_id WHERE kind = 'contact-code' AND c.email = %s"
        assert connection.execute(sql, (email,)).fetchone() == (5,)


def test_a_refused_booking_does_not_count_for_the_limit(stack: Stack, organizer: Person, guest: httpx.Client, email: str) -> None:
    event = stack.event(organizer, capacity=6)
    for _ in range(7):
        refused(guest.post(path_of(event), json=booking(email, 7)), 409, slug="sold-out")
    assert [guest.post(path_of(event), json=booking(email)).status_code for _ in range(6)] == [201] * 5 + [403]


def test_without_mail_there_are_no_codes(stack: Stack, email: str) -> None:
    refused(stack.http.post("/api/contacts/verify", json={"email": email}), 409, slug="mail-off")
