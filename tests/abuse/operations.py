"""Every operation of the API: its tag, who may use it, the status for other users, and how to call it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx

from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from notifications.manage_urls import ManageUrls
from tests.running_system import JSON, LATER, ON_SITE, PASSWORD, SEEN_SECONDS, Person, Stack

ROLES = ("nobody", "customer", "organizer", "auditor", "admin")
ANYONE = frozenset(ROLES)
SIGNED_IN = ANYONE - {"nobody"}
BUYERS = frozenset({"customer", "organizer", "admin"})
ORGANIZERS = frozenset({"organizer", "admin"})
AUDITORS = frozenset({"auditor", "admin"})
ADMINS = frozenset({"admin"})


class Operation(NamedTuple):
    """`roles`: those that may use it on their own resources, an admin on any. `others`: the status for other admitted roles.
    `unready`: the status of a valid request that what it is about is not ready for; None: it succeeds. `is_for_guests`: nobody may
    use it, too, with another body."""

    tag: str
    roles: frozenset[str]
    others: Mapping[str, int] = {}
    unready: int | None = None
    is_for_guests: bool = False


#: The system of the tests sends no mail, and has sent none.
RESENDING = ("resend_notification", "resend_tickets")
#: By the link to a booking alone, whoever sends it. The system of the tests sends no mail.
MANAGE = ("get_managed_booking", "get_managed_receipt", "get_managed_calendar", "cancel_managed_tickets")
MANAGE_BY_MAIL = ("resend_confirmation", "revoke_manage_link")
#: Without a demo there is no mailbox.
MAILBOX = ("get_mailbox", "get_mail", "get_mail_html", "get_mail_attachment")
#: Without mail nobody asks for a link.
LINKS = (
    "ask_to_reset_password", "reset_password", "ask_for_sign_in_link", "sign_in_by_link",
)  # fmt: skip
NEED_MAIL = (*LINKS, "confirm_email", "ask_to_verify_email", "send_password_reset", "verify_contact", "confirm_contact")
#: Needs an installation with mail, once it is known who asks.
ATTENDEE_MAIL = ("write_to_attendees",)
#: The webhook with the id of the requests does not exist.
ONE_WEBHOOK = (
    "get_webhook", "update_webhook", "delete_webhook", "rotate_webhook_secret", "test_webhook", "replay_webhook",
    "get_webhook_deliveries", "get_webhook_delivery",
)  # fmt: skip
#: By the owner of the hold, and at the box office.
HOLDS = ("get_hold", "extend_hold", "confirm_hold", "release_hold")
OPERATIONS = {
    "sign_up": Operation("accounts", ANYONE),
    "log_in": Operation("accounts", ANYONE),
    "log_out": Operation("accounts", SIGNED_IN),
    "get_me": Operation("accounts", SIGNED_IN),
    "update_me": Operation("accounts", SIGNED_IN),
    "erase_me": Operation("accounts", SIGNED_IN),
    "get_users": Operation("accounts", ADMINS),
    "create_user": Operation("accounts", ADMINS),
    "update_user": Operation("accounts", ADMINS),
    "send_password_reset": Operation("accounts", ADMINS, unready=409),
    "erase_user": Operation("accounts", ADMINS),
    "reauthenticate": Operation("accounts", SIGNED_IN),
    "get_sessions": Operation("accounts", SIGNED_IN),
    "end_other_sessions": Operation("accounts", SIGNED_IN),
    "end_session": Operation("accounts", SIGNED_IN, unready=404),
    "begin_second_factor": Operation("accounts", SIGNED_IN),
    "confirm_second_factor": Operation("accounts", SIGNED_IN, unready=422),
    "remove_second_factor": Operation("accounts", SIGNED_IN, unready=404),
    **{name: Operation("accounts", ANYONE, unready=409) for name in LINKS},
    "confirm_email": Operation("accounts", SIGNED_IN, unready=409),
    "ask_to_verify_email": Operation("accounts", SIGNED_IN, unready=409),
    "get_account_trail": Operation("audit", AUDITORS),
    "create_event": Operation("events", ORGANIZERS),
    "get_events": Operation("events", ANYONE),
    "get_event": Operation("events", ANYONE),
    "update_event": Operation("events", ORGANIZERS, {"organizer": 403}),
    "cancel_event": Operation("events", ORGANIZERS, {"organizer": 403}),
    **{name: Operation("events", ORGANIZERS, {"organizer": 403}) for name in ("make_codes", "get_codes", "withdraw_codes")},
    "complete_event": Operation("events", ORGANIZERS, {"organizer": 403}),
    "get_event_bookings": Operation("events", ORGANIZERS, {"organizer": 403}),
    "check_in_ticket": Operation("tickets", ORGANIZERS, {"organizer": 403}),
    "book_tickets": Operation("bookings", BUYERS, is_for_guests=True),
    "hold_tickets": Operation("bookings", BUYERS | {"nobody"}, is_for_guests=True),
    **{name: Operation("bookings", BUYERS, {"customer": 404, "organizer": 404}) for name in HOLDS},
    "verify_contact": Operation("bookings", ANYONE, unready=409),
    "confirm_contact": Operation("bookings", ANYONE, unready=409),
    "get_bookings": Operation("bookings", SIGNED_IN),
    "get_booking": Operation("bookings", BUYERS, {"customer": 404, "organizer": 404, "auditor": 404}),
    "cancel_booking": Operation("bookings", BUYERS, {"customer": 404, "organizer": 404}),
    "cancel_tickets": Operation("bookings", BUYERS, {"customer": 404, "organizer": 404}),
    "take_payment": Operation("payments", ORGANIZERS, {"organizer": 403}, unready=409),
    "give_refund": Operation("payments", ORGANIZERS, {"organizer": 403}),
    "give_unbooked_refund": Operation("payments", ORGANIZERS, unready=404),
    "pay_hold": Operation("bookings", BUYERS, {"customer": 404, "organizer": 404}, unready=404),
    "receive_provider_webhook": Operation("payments", ANYONE, unready=404),
    **{name: Operation("payments", ORGANIZERS | AUDITORS) for name in ("get_payments", "get_postings")},
    "get_unplaced_money": Operation("payments", AUDITORS),
    "get_booking_payments": Operation("payments", SIGNED_IN, {"customer": 404, "organizer": 404}),
    "get_stats_summary": Operation("stats", ORGANIZERS),
    "get_stats_events": Operation("stats", ORGANIZERS),
    "get_stats_sales": Operation("stats", ORGANIZERS),
    "get_receipt": Operation("audit", SIGNED_IN, {"customer": 404, "organizer": 404}),
    "get_checkpoint": Operation("audit", ANYONE),
    "get_proof": Operation("audit", ANYONE),
    "get_consistency": Operation("audit", ANYONE),
    "get_entries": Operation("audit", AUDITORS),
    "get_event_as_of": Operation("audit", AUDITORS),
    "get_stats_as_of": Operation("audit", AUDITORS),
    "get_events_stats_as_of": Operation("audit", AUDITORS),
    "get_stats_difference": Operation("audit", AUDITORS),
    "get_live": Operation("live", ANYONE),
    "get_projections": Operation("system", AUDITORS),
    **{name: Operation("notifications", ANYONE, unready=404) for name in MAILBOX},
    "get_notifications": Operation("notifications", ORGANIZERS),
    "resend_notification": Operation("notifications", ORGANIZERS, unready=404),
    "resend_tickets": Operation("bookings", BUYERS, {"customer": 404, "organizer": 404}, unready=409),
    "get_webhooks": Operation("notifications", ORGANIZERS),
    "create_webhook": Operation("notifications", ORGANIZERS),
    **{name: Operation("notifications", ORGANIZERS, unready=404) for name in ONE_WEBHOOK},
    "write_to_attendees": Operation("notifications", ORGANIZERS, {"organizer": 403}, unready=409),
    "get_messages": Operation("notifications", ORGANIZERS, {"organizer": 403}),
    "claim_bookings": Operation("accounts", SIGNED_IN, unready=403),
    **{name: Operation("bookings", ANYONE) for name in MANAGE},
    **{name: Operation("bookings", ANYONE, unready=409) for name in MANAGE_BY_MAIL},
    "get_about": Operation("system", ANYONE),
    "get_health": Operation("system", ANYONE),
    "get_ready": Operation("system", ANYONE),
    "get_metrics": Operation("system", ANYONE),
}


#: Of payment providers, of which there is none without the demo.
OF_PROVIDERS = ("pay_hold", "give_unbooked_refund", "receive_provider_webhook")
#: Commands that take no Idempotency-Key: to repeat them changes nothing, or they begin or end a session.
KEYLESS = (
    "sign_up", "log_in", "log_out", "erase_me", "erase_user", "reauthenticate", "end_session", "end_other_sessions",
    "begin_second_factor", "confirm_second_factor", "remove_second_factor", *NEED_MAIL, "receive_provider_webhook",
    "update_webhook", "delete_webhook", "rotate_webhook_secret", "test_webhook", "replay_webhook",
    "claim_bookings", "revoke_manage_link",
)  # fmt: skip


def someone(**more: Any) -> JSON:
    return {"name": "Some One", "email": f"{uuid4().hex[:12]}@example.test", "password": PASSWORD, **more}


@dataclass
class Target:
    """An organizer's event with a customer's booking of two tickets, paid at the box office, and a hold of one: the target of
    requests."""

    stack: Stack
    event: JSON
    booking: JSON
    position: str
    ids: dict[str, str] = field(default_factory=dict)

    @cached_property
    def managed(self) -> JSON:
        """A booking of somebody without an account, of another event."""
        organizer = self.stack.person("organizer")
        event = self.stack.event(organizer)
        body = {"tickets": [{"category": "General", "quantity": 1}], "customer": {"name": "Wanda", "email": someone()["email"]}}
        sold: JSON = organizer.ok("POST", f"/api/events/{event['id']}/bookings", body)
        return sold

    @cached_property
    def unnamed(self) -> JSON:
        """A hold of somebody without an account, with its token, which does not say whose it is."""
        held: JSON = self.stack.nobody().ok(
            "POST", f"/api/events/{self.event['id']}/holds", {"tickets": [{"category": "General", "quantity": 1}]}
        )
        return held

    @property
    def link(self) -> str:
        """The token of its link."""
        tokens = MailTokens(Keyring.open(self.stack.settings.keys, "mail"))
        return ManageUrls("", tokens).make(UUID(self.managed["id"])).partition("#")[2]

    @classmethod
    def make(cls, stack: Stack, organizer: Person, customer: Person, account_id: str = "") -> "Target":
        event = stack.event(organizer, payment=ON_SITE)
        booking = customer.ok("POST", f"/api/events/{event['id']}/bookings", {"tickets": [{"category": "General", "quantity": 2}]})
        organizer.ok("POST", f"/api/bookings/{booking['id']}/payments", {"kind": "cash", "amount": booking["total_amount"]})
        made = organizer.ok("POST", f"/api/events/{event['id']}/codes", {"effect": "fixed", "value": "1.00", "max_tickets": 1})
        hold = customer.ok("POST", f"/api/events/{event['id']}/holds", {"tickets": [{"category": "General", "quantity": 1}]})
        ids = {"event_id": event["id"], "hold_id": hold["id"], "booking_id": booking["id"], "account_id": account_id or customer.id}
        ids |= {"payment_id": str(uuid4()), "name": "demo"}
        ids["batch_id"] = made["batch"]["id"]
        ids |= {"session_id": str(uuid4()), "mail_id": str(uuid4()), "number": "0"}
        ids |= {"webhook_id": str(uuid4()), "delivery_id": str(uuid4()), "notification_id": str(uuid4())}
        return cls(stack, event, booking, max(organizer.last, customer.last, key=int), ids)

    def body(self, operation: str) -> JSON | None:
        """A complete, valid body with every field and nested object that may be combined."""
        if operation == "cancel_managed_tickets":
            return {"tickets": [self.managed["tickets"][0]["id"]]}
        first, second = self.event["categories"]
        bodies: dict[str, JSON] = {
            "sign_up": someone(phone="12345"),
            "log_in": {"email": "root@example.test", "password": PASSWORD, "code": "123456"},
            "reauthenticate": {"password": PASSWORD, "code": "123456"},
            "confirm_second_factor": {"code": "123456"},
            "ask_to_reset_password": {"email": "root@example.test"},
            "reset_password": {"token": "A" * 50, "password": PASSWORD},
            "ask_for_sign_in_link": {"email": "root@example.test"},
            "sign_in_by_link": {"token": "A" * 50, "code": "123456"},
            "confirm_email": {"token": "A" * 50},
            "verify_contact": {"email": "guest@example.test"},
            "confirm_contact": {"email": "guest@example.test", "code": "123456"},
            "update_me": {"name": "New Name", "phone": "12345", "password": PASSWORD, "old_password": PASSWORD},
            "create_user": someone(phone="12345", role="customer"),
            "update_user": {"role": "customer", "disabled": False},
            "create_event": {
                "name": "New", "starts_at": LATER, "categories": [{"name": "A", "price": "1.00", "capacity": 3}],
                "description": "d", "venue": "v", "ends_at": "2031-05-02T19:00:00Z", "timezone": "Europe/Berlin",
                "sales_open_at": "2026-01-01T00:00:00Z",
                "sales_close_at": "2031-05-01T00:00:00Z", "currency": "EUR", "max_tickets_per_customer": 4, "guest_checkout": "off",
                "hold_minutes": 30, "pools": [{"name": "Hall", "capacity": 2, "categories": ["A"]}],
                "payment": ON_SITE,
            },
            "update_event": {
                "name": "Changed", "starts_at": LATER, "description": "d", "venue": "v", "ends_at": "2031-05-02T19:00:00Z",
                "timezone": "UTC", "sales_open_at": "2026-01-01T00:00:00Z", "sales_close_at": "2031-05-01T00:00:00Z",
                "max_tickets_per_customer": 9, "guest_checkout": "proven", "hold_minutes": 5,
                "categories": [
                    {"id": first["id"], "name": "General", "price": "60.00", "capacity": 12}, {"id": second["id"]},
                ],
                "pools": [{"name": "Hall", "capacity": 15, "categories": ["General", second["id"]]}],
                "payment": ON_SITE,
            },
            "cancel_event": {"reason": "rain"},
            "make_codes": {
                "effect": "percent", "value": "10.00", "count": 2, "max_tickets": 3, "categories": ["General", second["id"]],
                "valid_from": "2026-01-01T00:00:00Z", "valid_until": LATER, "prefix": "SPRING",
            },
            "check_in_ticket": {"code": self.booking["tickets"][0]["code"]},
            "book_tickets": {"tickets": [{"category": "General", "quantity": 1}]},
            "hold_tickets": {"tickets": [{"category": "General", "quantity": 1}], "expected_total": "50.00"},
            "confirm_hold": {"expected_total": "50.00"},
            "take_payment": {"kind": "cash", "amount": "100.00", "reference": "0042"},
            "give_unbooked_refund": {"kind": "card", "amount": "50.00", "reference": "0042", "goodwill": True},
            "pay_hold": {"method": "demo", "expected_total": "50.00"},
            "give_refund": {"kind": "card", "amount": "50.00", "reference": "0042", "goodwill": True},
            "create_webhook": {"url": "http://127.0.0.1:9/", "types": ["booking.created"], "event_id": self.event["id"]},
            "update_webhook": {"url": "http://127.0.0.1:9/2", "types": ["*"], "state": "paused"},
            "replay_webhook": {"from": 1},
            "write_to_attendees": {
                "audience": "all", "category": first["id"], "subject": "Doors", "text": "At six.", "has_reply_to": False,
            },
            "cancel_tickets": {"tickets": [self.booking["tickets"][1]["id"]]},
        }  # fmt: skip
        return bodies.get(operation)


class Routes:
    """The operations of a live OpenAPI document."""

    def __init__(self, document: JSON) -> None:
        self.document = document
        self.addresses = {
            operation["operationId"]: (method.upper(), path)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }

    def operation(self, name: str) -> JSON:
        method, path = self.addresses[name]
        operation: JSON = self.document["paths"][path][method.lower()]
        return operation

    def request(self, name: str, target: Target) -> tuple[str, str, JSON | None, dict[str, str]]:
        method, path = self.addresses[name]
        headers = {"If-Match": f'"{target.event["details_version"]}"'} if name == "update_event" else {}
        if method == "GET":
            headers["Ledger-Position"] = target.position
        if name in (*MANAGE, *MANAGE_BY_MAIL):
            headers["Authorization"] = f"Bearer {target.link}"
        query = {"get_proof": f"?position={target.booking['number']}", "get_consistency": "?from=1&to=2"}.get(name, "")
        return method, path.format(**target.ids) + query, target.body(name), headers

    def schema(self, name: str) -> JSON | None:
        """The schema of the operation's body, or None."""
        content = self.operation(name).get("requestBody", {}).get("content", {})
        schema: JSON | None = content.get("application/json", {}).get("schema")
        return schema

    def resolve(self, schema: JSON) -> JSON:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema


def call(person: Person, request: tuple[str, str, JSON | None, dict[str, str]], **headers: str) -> int:
    """Sends the request and returns only the status, because the live stream never ends. Again while a busy server asks for it."""
    deadline = time.monotonic() + SEEN_SECONDS
    while True:
        with send(person, request, **headers) as response:
            if response.status_code != 503 or time.monotonic() > deadline:
                return response.status_code
        time.sleep(0.2)


@contextmanager
def send(person: Person, request: tuple[str, str, JSON | None, dict[str, str]], **headers: str) -> Iterator[httpx.Response]:
    method, path, body, more = request
    sent = {**({"Authorization": f"Bearer {person.token}"} if person.token else {}), **more, **headers}
    with person.http.stream(method, path, json=body, headers=sent) as response:
        if "event-stream" not in response.headers.get("content-type", ""):
            response.read()
        yield response


def is_done(name: str, status: int) -> bool:
    """Whether the operation was permitted and did what it could."""
    return httpx.codes.is_success(status) or status == OPERATIONS[name].unready
