"""Organizers see what became of the mails about a booking, and have them sent again: on the running system."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.running_system import JSON, Person, tickets
from tests.system.box_office import Counter, an_address, problem

CONFIRMED, CHANGED, CANCELLED = "booking-confirmed", "event-changed", "event-cancelled"


def told(counter: Counter, booking: JSON, kind: str = CONFIRMED, state: str = "sent", **more: Any) -> UUID:
    """A row of the outbox about the booking, as follower and delivery leave it. No worker of these tests sends mail."""
    row = {
        "id": uuid4(), "channel": "mail", "kind": kind, "recipient_id": booking["customer_id"], "event_id": booking["event_id"],
        "booking_id": booking["id"], "position": booking["number"], "details": "{}", "state": state, "tries": 1, **more,
    }  # fmt: skip
    counter.organizer.see(f"/api/events/{booking['event_id']}/bookings?limit=1")  # the follower stays behind the projection
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    settled = "now()" if state in ("sent", "failed", "skipped") else "NULL"
    counter.sql(f"INSERT INTO outbox ({names}, settled_at) VALUES ({places}, {settled})", *row.values())
    id_: UUID = row["id"]
    return id_


def listed(person: Person, **query: object) -> list[JSON]:
    parameters = "&".join(f"{name}={value}" for name, value in query.items())
    items: list[JSON] = person.see(f"/api/notifications?{parameters}")["items"]
    return items


def resend(mailing: httpx.Client, person: Person, path: str, key: str | None = None) -> httpx.Response:
    return Person(mailing, token=person.token).do("POST", f"{path}/resend", key=key)


def test_organizer_sees_what_became_of_a_booking_s_mails(counter: Counter) -> None:
    sold, other = counter.sell(an_address()), counter.sell(an_address())
    confirmed = told(counter, sold)
    refused = "550 5.1.1 <Someone.Else@example.test>: no such user"
    failed = told(counter, sold, CHANGED, "failed", booking_id=None, error=refused, tries=4)
    waiting = told(counter, sold, "tickets-cancelled", "due")
    told(counter, other)
    shown = listed(counter.organizer, booking_id=sold["id"])
    assert [one["id"] for one in shown] == [str(waiting), str(failed), str(confirmed)], "newest first"
    due, event_wide, first = shown
    assert first["sent_at"] is not None
    assert first | {"created_at": None, "sent_at": None} == {
        "id": str(confirmed), "kind": CONFIRMED, "event_id": sold["event_id"], "booking_id": sold["id"], "position": sold["number"],
        "state": "sent", "tries": 1, "created_at": None, "due_at": None, "sent_at": None, "error": None,
        "recipient_name": "Wanda Walkin",
    }  # fmt: skip
    assert (event_wide["booking_id"], event_wide["state"], event_wide["tries"]) == (None, "failed", 4)
    assert event_wide["error"] == "550 5.1.1 <…>: no such user", "no address, whosoever"
    assert (due["sent_at"], due["due_at"] is not None) == (None, True)
    assert [one["id"] for one in listed(counter.organizer, booking_id=sold["id"], state="failed")] == [str(failed)]
    counter.stack.admin.last = counter.organizer.last
    assert listed(counter.stack.admin, booking_id=sold["id"]) == shown


def test_nobody_else_s_events_are_shown(counter: Counter) -> None:
    other = counter.stack.person("organizer")
    sold = counter.sell(an_address())
    id_ = told(counter, sold)
    other.last = counter.organizer.last
    for query in ({"booking_id": sold["id"]}, {"event_id": sold["event_id"]}, {}):
        assert listed(other, **query) == []
    assert [one["id"] for one in listed(counter.organizer, event_id=sold["event_id"])] == [str(id_)]
    assert str(id_) in [one["id"] for one in listed(counter.organizer)]
    told(counter, sold, event_id=None)
    assert all(one["event_id"] for one in listed(counter.stack.admin, limit=200)), "mails about accounts are not among them"


def test_list_is_paged(counter: Counter) -> None:
    event = counter.stack.event(counter.organizer)
    sold = counter.sell(an_address(), event=event)
    ids = [str(told(counter, sold)) for _ in range(5)]
    for query in (f"booking_id={sold['id']}", f"event_id={event['id']}", f"booking_id={sold['id']}&event_id={event['id']}"):
        pages, after = list[JSON](), ""
        while not pages or pages[-1]["next_cursor"]:
            pages.append(counter.organizer.see(f"/api/notifications?{query}&limit=2{after}"))
            after = f"&cursor={pages[-1]['next_cursor']}"
        assert [one["id"] for page in pages for one in page["items"]] == ids[::-1], query


def test_erased_customer_is_not_named(counter: Counter) -> None:
    event = counter.stack.event(counter.organizer, starts_at=None)
    sold = counter.sell(an_address(), event=event)
    told(counter, sold)
    counter.stack.admin.ok("DELETE", f"/api/users/{sold['customer_id']}")
    assert [one["recipient_name"] for one in listed(counter.organizer, booking_id=sold["id"])] == [None]


def test_notification_is_sent_again(counter: Counter, mailing: httpx.Client) -> None:
    sold = counter.sell(an_address())
    id_ = told(counter, sold, CHANGED, "failed", booking_id=None, details='{"before": {}}', error="550 no", priority=1)
    path, key = f"/api/notifications/{id_}", uuid4().hex
    for _ in range(2):
        assert resend(mailing, counter.organizer, path, key).status_code == 202
    again, first = listed(counter.organizer, booking_id=sold["id"])
    assert (first["id"], first["state"], first["error"]) == (str(id_), "failed", "550 no"), "it stays as it was"
    assert (again["kind"], again["state"], again["booking_id"], again["position"]) == (CHANGED, "due", None, None)
    copied = "SELECT details, recipient_id::text, priority FROM outbox WHERE id = %s"
    assert counter.sql(copied, again["id"]) == [({"before": {}, "again": True}, sold["customer_id"], 0)]
    assert problem(resend(mailing, counter.organizer, f"/api/notifications/{again['id']}")) == (409, "notification-waiting")


def test_resending_is_bounded(counter: Counter, mailing: httpx.Client) -> None:
    sold = counter.sell(an_address())
    path = f"/api/notifications/{told(counter, sold)}"
    assert [resend(mailing, counter.organizer, path).status_code for _ in range(4)] == [202, 202, 202, 429]
    assert problem(resend(mailing, counter.organizer, f"/api/bookings/{sold['id']}")) == (429, "too-many-attempts")
    assert resend(mailing, counter.organizer, f"/api/notifications/{told(counter, sold, 'link-renewed')}").status_code == 202
    counter.sql("UPDATE outbox SET created_at = created_at - interval '2 hours' WHERE booking_id = %s", sold["id"])
    assert resend(mailing, counter.organizer, path).status_code == 202
    for _ in range(6):
        told(counter, sold, position=None)
    counter.sql("UPDATE outbox SET created_at = created_at - interval '2 hours' WHERE booking_id = %s", sold["id"])
    refused = resend(mailing, counter.organizer, path)
    assert problem(refused) == (429, "too-many-attempts"), "ten a day"
    assert 70_000 < int(refused.headers["retry-after"]) <= 86_400


def test_nobody_else_has_it_sent_again(counter: Counter, mailing: httpx.Client, alice: Person) -> None:
    sold = counter.sell(an_address())
    path = f"/api/notifications/{told(counter, sold)}"
    assert problem(resend(mailing, counter.stack.person("organizer"), path)) == (404, "notification-not-found")
    assert problem(resend(mailing, alice, path)) == (403, "forbidden")
    account_mail = told(counter, sold, "reset", event_id=None, booking_id=None)
    assert problem(resend(mailing, counter.stack.admin, f"/api/notifications/{account_mail}")) == (404, "notification-not-found")
    for person in (counter.stack.person("organizer"), alice):
        assert problem(resend(mailing, person, f"/api/bookings/{sold['id']}")) == (404, "booking-not-found")
    assert resend(mailing, counter.stack.admin, path).status_code == 202


def test_customer_has_the_tickets_sent_again(counter: Counter, mailing: httpx.Client, alice: Person) -> None:
    booked = alice.ok("POST", f"/api/events/{counter.event['id']}/bookings", tickets(1))
    path, key = f"/api/bookings/{booked['id']}", uuid4().hex
    for _ in range(2):
        assert resend(mailing, alice, path, key).status_code == 202
    assert resend(mailing, counter.organizer, path, key).status_code == 202, "another person's key"
    rows = "SELECT kind, recipient_id::text, position FROM outbox WHERE booking_id = %s"
    assert counter.sql(rows, booked["id"]) == [(CONFIRMED, alice.id, None)] * 2
    alice.ok("DELETE", path)
    assert problem(resend(mailing, alice, path)) == (409, "no-tickets-left")
    assert resend(mailing, alice, path, key).status_code == 202, "a retry gets the first answer"


def test_cancellation_is_told_again_and_nothing_else(counter: Counter, mailing: httpx.Client) -> None:
    event = counter.stack.event(counter.organizer)
    sold = counter.sell(an_address(), event=event)
    confirmed, renewed = told(counter, sold), told(counter, sold, "link-renewed")
    cancelled = told(counter, sold, CANCELLED, booking_id=None, details='{"reason": ""}')
    counter.organizer.ok("POST", f"/api/events/{event['id']}/cancel")
    counter.stack.settle()
    for id_ in (confirmed, renewed):
        assert problem(resend(mailing, counter.organizer, f"/api/notifications/{id_}")) == (409, "no-tickets-left")
    assert resend(mailing, counter.organizer, f"/api/notifications/{cancelled}").status_code == 202


def test_walk_in_and_erased_customer_get_nothing(counter: Counter, mailing: httpx.Client) -> None:
    event = counter.stack.event(counter.organizer, starts_at=None)
    walk_in = counter.organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets())
    erased = counter.sell(an_address(), event=event)
    path = f"/api/notifications/{told(counter, erased)}"
    counter.stack.admin.ok("DELETE", f"/api/users/{erased['customer_id']}")
    for one in (f"/api/bookings/{walk_in['id']}", f"/api/bookings/{erased['id']}", path):
        assert problem(resend(mailing, counter.organizer, one)) == (409, "no-recipient")


def test_without_mail_nothing_is_sent_again(counter: Counter) -> None:
    sold = counter.sell(an_address())
    for path in (f"/api/notifications/{told(counter, sold)}", f"/api/bookings/{sold['id']}"):
        assert problem(counter.organizer.do("POST", f"{path}/resend")) == (409, "mail-off")
