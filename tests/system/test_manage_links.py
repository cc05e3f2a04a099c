"""A customer without an account sees and cancels a booking by the link that was mailed: on the running system."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.running_system import PASSWORD, Person, tickets
from tests.system.box_office import Counter, an_address, problem


def test_link_shows_the_booking_and_what_may_be_done(counter: Counter) -> None:
    sold = counter.sell(email := an_address(), 2)
    response = counter.bearer(sold).insist("GET", "/api/manage", Ledger_Position=counter.organizer.last)
    shown = response.json()
    assert shown["booking"] == sold
    assert (shown["event"]["id"], shown["event"]["name"]) == (counter.event["id"], "Concert")
    assert (shown["name"], shown["email"], shown["can_cancel"]) == ("Wanda Walkin", email, True)
    assert response.headers["cache-control"] == "no-store"
    assert int(response.headers["ledger-position"]) >= int(counter.organizer.last)


def test_link_cancels_tickets_as_their_owner_would(counter: Counter) -> None:
    sold = counter.sell(an_address(), 2)
    bearer, key = counter.bearer(sold), uuid4().hex
    first = {"tickets": [sold["tickets"][0]["id"]]}
    done = bearer.ok("POST", "/api/manage/cancel", first, key=key)
    assert [ticket["status"] for ticket in done["tickets"]] == ["cancelled", "active"]
    assert bearer.ok("POST", "/api/manage/cancel", first, key=key) == done
    assert problem(bearer.do("POST", "/api/manage/cancel", first)) == (409, "ticket-cancelled")
    bearer.ok("POST", "/api/manage/cancel", {"tickets": [sold["tickets"][1]["id"]]})
    shown = bearer.see("/api/manage")
    assert (shown["booking"]["status"], shown["can_cancel"]) == ("cancelled", False)
    assert problem(bearer.do("POST", "/api/manage/cancel", {"tickets": [str(uuid4())]}))[0] in (409, 422)


def test_same_key_for_two_bookings_of_one_customer_is_two_commands(counter: Counter) -> None:
    email, key = an_address(), uuid4().hex
    for sold in (counter.sell(email), counter.sell(email)):
        done = counter.bearer(sold).ok("POST", "/api/manage/cancel", {"tickets": [sold["tickets"][0]["id"]]}, key=key)
        assert (done["id"], done["status"]) == (sold["id"], "cancelled")


def test_link_gives_the_receipt_and_a_calendar_file_without_the_link(counter: Counter) -> None:
    bearer = counter.bearer(sold := counter.sell(an_address()))
    receipt = bearer.do("GET", "/api/manage/receipt", Ledger_Position=bearer.last)
    assert receipt.headers["content-disposition"] == f'attachment; filename="receipt-{sold["number"]}.txt"'
    calendar = bearer.do("GET", "/api/manage/calendar", Ledger_Position=bearer.last)
    assert calendar.headers["content-type"].startswith("text/calendar")
    text = calendar.text.replace("\r\n ", "")
    assert "DTSTART:20310501T190000Z" in text
    assert f"/events/{counter.event['id']}" in text
    for response in (receipt, calendar):
        assert bearer.token not in response.text
        assert response.headers["cache-control"] == "no-store"


def test_open_date_has_no_calendar_file(counter: Counter) -> None:
    event = counter.stack.event(counter.organizer, starts_at=None)
    bearer = counter.bearer(counter.sell(an_address(), event=event))
    assert problem(bearer.do("GET", "/api/manage/calendar", Ledger_Position=bearer.last)) == (409, "open-date")


ROUTES = (
    ("GET", "/api/manage"), ("GET", "/api/manage/receipt"), ("GET", "/api/manage/calendar"), ("POST", "/api/manage/cancel"),
    ("POST", "/api/manage/resend"), ("DELETE", "/api/manage"),
)  # fmt: skip


def refusals(person: Person) -> set[tuple[int, str]]:
    body = {"tickets": [str(uuid4())]}
    return {problem(person.do(method, path, body if path.endswith("cancel") else None)) for method, path in ROUTES}


def test_no_other_token_opens_anything(counter: Counter, alice: Person) -> None:
    sold = counter.sell(an_address())
    good = counter.token(sold)
    others = {
        "none": "", "cut": good[:-1], "longer": good + "A", "altered": good[:20] + ("A" if good[20] != "A" else "B") + good[21:],
        "of another purpose": counter.tokens.token("reset", UUID(sold["id"])), "an account's": alice.token,
    }  # fmt: skip
    for name, token in others.items():
        assert refusals(Person(counter.stack.http, token=token)) == {(422, "token-unknown")}, name
    for header in (b"Bearer " + "é".encode() * 25, b"Basic " + good.encode(), good.encode()):
        response = counter.stack.http.get("/api/manage", headers={b"Authorization": header})
        assert problem(response) == (422, "token-unknown")


def test_sessions_open_no_link_and_links_no_session(counter: Counter, alice: Person) -> None:
    sold = counter.sell(an_address())
    for path in ("/api/me", "/api/bookings", f"/api/bookings/{sold['id']}", f"/api/bookings/{sold['id']}/receipt"):
        assert problem(counter.bearer(sold).do("GET", path)) == (401, "not-signed-in")
    cookie = counter.stack.http.get("/api/manage", headers={"Cookie": f"seatledger_session={alice.token}"})
    assert problem(cookie) == (422, "token-unknown")


def test_account_s_booking_has_no_link(counter: Counter, alice: Person) -> None:
    booked = alice.ok("POST", f"/api/events/{counter.event['id']}/bookings", tickets())
    assert refusals(counter.bearer(booked)) == {(410, "link-superseded")}
    walk_in = counter.organizer.ok("POST", f"/api/events/{counter.event['id']}/bookings", tickets())
    assert refusals(counter.bearer(walk_in)) == {(410, "link-superseded")}


def test_revoking_ends_the_link_and_mails_another(counter: Counter, mailing: httpx.Client) -> None:
    sold = counter.sell(an_address())
    old = {"Authorization": f"Bearer {counter.token(sold)}"}
    assert mailing.delete("/api/manage", headers=old).status_code == 202
    assert refusals(counter.bearer(sold)) == {(410, "link-superseded")}
    assert problem(mailing.delete("/api/manage", headers=old)) == (410, "link-superseded")
    assert counter.bearer(sold, 1).see("/api/manage")["booking"]["id"] == sold["id"]
    assert counter.sql("SELECT kind, position FROM outbox WHERE booking_id = %s", sold["id"]) == [("link-renewed", None)]
    assert mailing.delete("/api/manage", headers={"Authorization": f"Bearer {counter.token(sold, 1)}"}).status_code == 202
    assert counter.sql("SELECT issue FROM manage_links WHERE booking_id = %s", sold["id"]) == [(2,)]


def test_link_of_before_a_restore_works(counter: Counter, mailing: httpx.Client) -> None:
    """The database went back to an earlier issue: what was mailed last is what the customer has."""
    sold = counter.sell(an_address())
    assert counter.bearer(sold, 3).see("/api/manage")["booking"]["id"] == sold["id"]
    assert mailing.delete("/api/manage", headers={"Authorization": f"Bearer {counter.token(sold, 3)}"}).status_code == 202
    assert refusals(counter.bearer(sold, 3)) == {(410, "link-superseded")}
    assert counter.sql("SELECT issue FROM manage_links WHERE booking_id = %s", sold["id"]) == [(4,)]


def test_confirmation_is_mailed_again_a_few_times(counter: Counter, mailing: httpx.Client) -> None:
    sold = counter.sell(an_address())
    headers = {"Authorization": f"Bearer {counter.token(sold)}"}
    for _ in range(2):
        assert mailing.post("/api/manage/resend", headers={**headers, "Idempotency-Key": "once"}).status_code == 202
    assert [mailing.post("/api/manage/resend", headers=headers).status_code for _ in range(3)] == [202, 202, 429]
    assert int(mailing.post("/api/manage/resend", headers=headers).headers["retry-after"]) > 3_000
    assert counter.sql("SELECT kind FROM outbox WHERE booking_id = %s", sold["id"]) == [("booking-confirmed",)] * 3


def test_cancelled_booking_s_confirmation_is_not_promised(counter: Counter, mailing: httpx.Client) -> None:
    """The last ticket was cancelled just now, whether the read side knows it or not; or the event was."""
    sold = counter.sell(an_address(), 2)
    tickets_ = [ticket["id"] for ticket in sold["tickets"]]
    headers = {"Authorization": f"Bearer {counter.token(sold)}"}
    counter.bearer(sold).ok("POST", "/api/manage/cancel", {"tickets": tickets_[:1]})
    assert mailing.post("/api/manage/resend", headers=headers).status_code == 202, "one ticket is left"
    counter.bearer(sold).ok("POST", "/api/manage/cancel", {"tickets": tickets_[1:]})
    assert problem(mailing.post("/api/manage/resend", headers=headers)) == (409, "no-tickets-left")
    event = counter.stack.event(counter.organizer)
    sold = counter.sell(an_address(), event=event)
    counter.organizer.ok("POST", f"/api/events/{event['id']}/cancel")
    counter.stack.settle()
    headers = {"Authorization": f"Bearer {counter.token(sold)}"}
    assert problem(mailing.post("/api/manage/resend", headers=headers)) == (409, "no-tickets-left")


def test_retry_is_no_further_mail(counter: Counter, mailing: httpx.Client) -> None:
    """Nor is it refused, once as many were asked for as may be."""
    sold = counter.sell(an_address())
    headers = {"Authorization": f"Bearer {counter.token(sold)}"}
    for key in ("one", "two", "three", "one", "three"):
        assert mailing.post("/api/manage/resend", headers={**headers, "Idempotency-Key": key}).status_code == 202, key
    assert counter.sql("SELECT count(*) FROM outbox WHERE booking_id = %s", sold["id"]) == [(3,)]


def test_without_mail_nothing_is_promised(counter: Counter) -> None:
    bearer = counter.bearer(counter.sell(an_address()))
    for method, path in (("POST", "/api/manage/resend"), ("DELETE", "/api/manage")):
        assert problem(bearer.do(method, path)) == (409, "mail-off")
    assert bearer.do("GET", "/api/manage").is_success


def test_erased_customer_s_link_is_gone(counter: Counter) -> None:
    event = counter.stack.event(counter.organizer, starts_at=None)
    sold = counter.sell(an_address(), event=event)
    counter.stack.admin.ok("DELETE", f"/api/users/{sold['customer_id']}")
    assert refusals(counter.bearer(sold)) == {(410, "link-superseded")}


def test_claiming_moves_the_booking_into_the_account(counter: Counter) -> None:
    person = counter.stack.person()
    sold = counter.sell(person.email, 2)
    assert problem(person.do("POST", "/api/me/claims")) == (403, "account-unverified")
    assert problem(person.do("GET", f"/api/bookings/{sold['id']}")) == (404, "booking-not-found")
    assert counter.prove(person) == 1
    assert refusals(counter.bearer(sold)) == {(410, "link-superseded")}
    person.last = counter.organizer.last
    assert [one["id"] for one in person.see("/api/bookings")["items"]] == [sold["id"]]
    assert [one["id"] for one in person.see("/api/bookings?when=upcoming")["items"]] == [sold["id"]]
    assert person.see(f"/api/bookings/{sold['id']}") == sold
    assert person.do("GET", f"/api/bookings/{sold['id']}/receipt", Ledger_Position=person.last).is_success
    first = {"tickets": [sold["tickets"][0]["id"]]}
    assert person.ok("POST", f"/api/bookings/{sold['id']}/cancel", first)["tickets"][0]["status"] == "cancelled"
    assert person.ok("DELETE", f"/api/bookings/{sold['id']}")["status"] == "cancelled"


@pytest.mark.parametrize("signs_up_first", [True, False])
def test_stranger_with_somebody_s_address_gets_nothing(counter: Counter, signs_up_first: bool) -> None:
    """S21: whoever signs up with an address, before or after the box office sells to it, gets its tickets once it is proved."""
    if signs_up_first:
        stranger = counter.stack.person()
        sold = counter.sell(stranger.email)
    else:
        sold = counter.sell(email := an_address())
        answer = counter.stack.nobody().ok(
            "POST", "/api/signup", {"name": "S", "email": email, "password": "correct horse battery"}
        )
        stranger = counter.stack.log_in(answer["email"])
    stranger.last = counter.organizer.last
    assert problem(stranger.do("POST", "/api/me/claims")) == (403, "account-unverified")
    assert stranger.see("/api/bookings")["items"] == []
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/receipt")):
        assert problem(stranger.do(method, f"/api/bookings/{sold['id']}{path}", Ledger_Position=stranger.last))[0] == 404
    assert counter.bearer(sold).see("/api/manage")["booking"]["id"] == sold["id"]
    # The owner of the address takes it over, and proves it.
    stranger.ok("PATCH", "/api/me", {"email": an_address(), "old_password": PASSWORD})
    counter.sql("UPDATE accounts SET email_proven_at = NULL WHERE id = %s", stranger.id)
    owner = counter.stack.people.account("Owner", "customer", stranger.email, PASSWORD)
    own = Person(counter.stack.http, str(owner.account.id), owner.token, stranger.email)
    assert counter.prove(own) == 1
    own.last = counter.organizer.last
    assert [one["id"] for one in own.see("/api/bookings")["items"]] == [sold["id"]]
    assert stranger.see("/api/bookings")["items"] == []


def test_limit_holds_over_all_ids_of_a_person(counter: Counter) -> None:
    """S20: bought at the box office, then in the account; and the other way round."""
    person = counter.stack.person()
    counter.sell(person.email, 3)
    counter.prove(person)
    path = f"/api/events/{counter.event['id']}/bookings"
    refused = person.do("POST", path, tickets(2))
    assert (problem(refused), refused.json()["held"]) == ((409, "customer-limit"), 3)
    person.ok("POST", path, tickets(1))
    body = {**tickets(1), "customer": {"name": "Wanda", "email": person.email}}
    refused = counter.organizer.do("POST", path, body)
    assert (problem(refused), refused.json()["held"]) == ((409, "customer-limit"), 4)


def test_seller_learns_nothing_of_who_has_the_address(counter: Counter) -> None:
    """A-9: the seller sees what was typed, whether the address is an account's, and proved, or not."""
    person = counter.stack.person()
    counter.prove(person)
    known, unknown = counter.sell(person.email), counter.sell(an_address())
    assert known.keys() == unknown.keys()
    assert known["customer_id"] != person.id
    for sold in (known, unknown):
        assert "manage" not in str(sold)
    found = counter.organizer.see(f"/api/events/{counter.event['id']}/bookings?q={sold['number']}")["items"]
    assert [one["customer"]["name"] for one in found] == ["Wanda Walkin"]


def test_erasing_an_account_erases_what_it_claimed(counter: Counter) -> None:
    person = counter.stack.person()
    dated = counter.sell(person.email)
    counter.prove(person)
    counter.stack.settle()
    refused = person.do("DELETE", "/api/me")
    assert problem(refused) == (409, "erasure-refused"), "the contact has an upcoming booking"
    person.ok("DELETE", f"/api/bookings/{dated['id']}")
    person.ok("DELETE", "/api/me")
    (name,) = counter.sql("SELECT name FROM accounts WHERE id = %s", dated["customer_id"])
    assert name == ("erased",)


def test_reading_by_a_link_changes_nothing(counter: Counter) -> None:
    sold = counter.sell(an_address())

    def everything() -> list[tuple[Any, ...]]:
        tables = ("accounts", "manage_links", "outbox", "account_trail")
        return [counter.sql(f"SELECT count(*), max(xmin::text::bigint) FROM {table}")[0] for table in tables]

    before = everything()
    for method, path in ROUTES[:3]:
        for _ in range(2):
            assert counter.bearer(sold).do(method, path, Ledger_Position=counter.organizer.last).is_success
    assert everything() == before
