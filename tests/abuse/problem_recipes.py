"""Requests that produce each documented problem, one by slug."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import psycopg
from pyotp import TOTP

from ledger.commands import Actor, HoldSeats, Role, ScheduleEvent, WantedSeats
from ledger.details import Category, Details
from ledger.keys import Keyring
from ledger.macs import Macs
from ledger.mail_tokens import VERIFY_EMAIL, MailTokens
from ledger.store import Ledger
from notifications.webhooks.registry import MOST
from tests.abuse import code_recipes, payment_recipes
from tests.abuse.operations import someone
from tests.abuse.scene import Scene
from tests.guests import MAIL, Guest, mailed_code
from tests.running_system import JSON, LATER, PASSWORD, Person, tickets


def _pool_below_taken(s: Scene) -> httpx.Response:
    pool = {"name": "Hall", "capacity": 1, "categories": ["General", "VIP"]}
    return s.organizer.do("PATCH", s.path, {"pools": [pool]}, If_Match='"1"')


def _already_cancelled(s: Scene) -> httpx.Response:
    s.alice.ok("DELETE", s.booking)
    return s.alice.do("DELETE", s.booking)


def _superseded(s: Scene) -> httpx.Response:
    """The customer without an account was erased."""
    sold, bearer = s.target.managed, Person(s.stack.http, token=s.target.link)
    bearer.ok("POST", "/api/manage/cancel", {"tickets": [sold["tickets"][0]["id"]]})
    s.stack.admin.ok("DELETE", f"/api/users/{sold['customer_id']}")
    return bearer.do("GET", "/api/manage")


def _open_date(s: Scene) -> httpx.Response:
    event = s.stack.event(s.organizer, starts_at=None)
    body = {**tickets(), "customer": {"name": "Wanda", "email": someone()["email"]}}
    s.target.managed = s.organizer.ok("POST", f"/api/events/{event['id']}/bookings", body)
    return Person(s.stack.http, token=s.target.link).do("GET", "/api/manage/calendar")


def _ticket_used(s: Scene) -> httpx.Response:
    s.organizer.ok("POST", f"{s.path}/check-ins", s.code())
    return s.organizer.do("POST", f"{s.path}/check-ins", s.code())


def _ticket_cancelled(s: Scene) -> httpx.Response:
    s.alice.ok("DELETE", s.booking)
    return s.organizer.do("POST", f"{s.path}/check-ins", s.code())


def _event_not_bookable(s: Scene) -> httpx.Response:
    s.organizer.ok("POST", f"{s.path}/complete")
    return s.alice.do("POST", f"{s.path}/bookings", tickets(1))


def _key_reused(s: Scene) -> httpx.Response:
    s.alice.ok("POST", f"{s.path}/bookings", tickets(1), key="one")
    return s.alice.do("POST", f"{s.path}/bookings", tickets(2), key="one")


def _erasure_refused(s: Scene) -> httpx.Response:
    return s.alice.do("DELETE", "/api/me")


def _csrf_missing(s: Scene) -> httpx.Response:
    return s.stack.http.post("/api/logout", headers={"Cookie": f"seatledger_session={s.alice.token}"})


def _last_admin(s: Scene) -> httpx.Response:
    with s.stack.only_one_admin():
        return s.stack.admin.do("PATCH", f"/api/users/{s.stack.admin.id}", {"role": "customer"})


def _too_many_attempts(s: Scene) -> httpx.Response:
    wrong = {"email": f"{uuid4().hex}@example.test", "password": "wrong"}
    responses = [httpx.post(f"{s.strict_url}/api/login", json=wrong) for _ in range(11)]
    assert [response.status_code for response in responses] == [401] * 10 + [429]
    assert 0 < int(responses[-1].headers["Retry-After"]) <= 60
    return responses[-1]


def _too_many_requests(s: Scene) -> httpx.Response:
    with s.stack.another_api(COMMANDS_PER_MINUTE="1") as url, httpx.Client(base_url=url) as http:
        headers = {"Authorization": f"Bearer {s.stack.person().token}"}
        return [http.patch("/api/me", json={}, headers=headers) for _ in range(2)][-1]


def _too_many_streams(s: Scene) -> httpx.Response:
    api = s.stack.another_api(STREAMS_PER_ADDRESS="1")
    with api as url, httpx.Client(base_url=url) as http, http.stream("GET", "/api/live") as first:
        assert first.is_success
        return http.get("/api/live")


def _with_second_factor(s: Scene) -> Person:
    person = s.stack.person()
    secret = person.ok("POST", "/api/me/second-factor")["secret"]
    assert len(person.ok("POST", "/api/me/second-factor/confirm", {"code": TOTP(secret).now()})["recovery_codes"]) == 10
    return person


def _second_factor_required(s: Scene) -> httpx.Response:
    return s.stack.nobody().do("POST", "/api/login", {"email": _with_second_factor(s).email, "password": PASSWORD})


def _second_factor_missing(s: Scene) -> httpx.Response:
    with s.stack.another_api(REQUIRE_SECOND_FACTOR="admin") as url, httpx.Client(base_url=url, timeout=30) as http:
        admin = Person(http, s.stack.admin.id, s.stack.admin.token)
        assert admin.do("GET", "/api/me").is_success
        return admin.do("GET", "/api/users")


def _reauthentication_required(s: Scene) -> httpx.Response:
    admin = s.stack.person("admin")
    with psycopg.connect(s.stack.settings.database_url, autocommit=True) as connection:
        connection.execute("UPDATE tokens SET authenticated_at = now() - interval '16 minutes' WHERE account_id = %s", (admin.id,))
    return admin.do("POST", "/api/users", {})


def _link(s: Scene, id_: UUID, times: int = 1) -> httpx.Response:
    """What a link to confirm an address answers where mail is sent, in the end."""
    token = MailTokens(Keyring.open(s.stack.settings.keys, "mail")).token(VERIFY_EMAIL, id_)
    mail = {"MAIL_URL": "smtp://127.0.0.1:9", "MAIL_FROM": "tickets@example.test"}
    with s.stack.another_api(**mail) as url, httpx.Client(base_url=url, timeout=30) as http:
        return [Person(http, token=s.alice.token).do("POST", "/api/email/confirm", {"token": token}) for _ in range(times)][-1]


def _token_of(s: Scene, account_id: str) -> UUID:
    with psycopg.connect(s.stack.settings.database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO mailed_tokens (id, purpose, account_id, expires_at) VALUES (%s, %s, %s, now() + interval '1 hour')",
            (id_ := uuid4(), VERIFY_EMAIL, account_id),
        )
    return id_


def _token_unknown(s: Scene) -> httpx.Response:
    mail = {"MAIL_URL": "smtp://127.0.0.1:9", "MAIL_FROM": "tickets@example.test"}
    with s.stack.another_api(**mail) as url, httpx.Client(base_url=url, timeout=30) as http:
        return Person(http, token=s.alice.token).do("POST", "/api/email/confirm", {"token": "A" * 50})


def _new_account(s: Scene) -> dict[str, str]:
    return {"name": "A", "email": s.alice.email, "password": PASSWORD}


def _between_entries(s: Scene) -> httpx.Response:
    """A rolled-back transaction leaves a gap in the positions."""
    with psycopg.connect(s.stack.settings.database_url) as connection:
        row = connection.execute("SELECT nextval('ledger_entries_notification_id_seq')").fetchone()
    s.event()
    assert row is not None
    return s.alice.do("GET", f"/api/audit/proof?position={row[0]}")


def _guest(s: Scene, event: str, key: str | None = None) -> httpx.Response:
    body = {**tickets(), "contact": {"name": "A guest", "email": f"{uuid4().hex}@example.test"}}
    return s.stack.nobody().do("POST", f"{event}/bookings", body, key=key)


def _wrong_mailed_code(s: Scene) -> httpx.Response:
    guest, email = Guest(), f"{uuid4().hex}@example.test"
    with s.stack.another_api(**MAIL) as url, guest.at(url) as http:
        assert http.post("/api/contacts/verify", json={"email": email}).status_code == 202
        wrong = f"{(int(mailed_code(s.stack.settings, email)) + 1) % 10**6:06}"
        return http.post("/api/contacts/confirm", json={"email": email, "code": wrong})


WEBHOOK = {"url": "http://127.0.0.1:9/", "types": ["*"]}


def _webhook_paused(s: Scene) -> httpx.Response:
    path = f"/api/webhooks/{s.organizer.ok('POST', '/api/webhooks', WEBHOOK)['id']}"
    s.organizer.ok("PATCH", path, {"state": "paused"})
    return s.organizer.do("POST", f"{path}/test")


def _too_many_webhooks(s: Scene) -> httpx.Response:
    organizer = s.stack.person("organizer")
    for _ in range(MOST):
        organizer.ok("POST", "/api/webhooks", WEBHOOK)
    return organizer.do("POST", "/api/webhooks", WEBHOOK)


def _resent(s: Scene, state: str = "", *, is_cancelled: bool = False) -> httpx.Response:
    """What an installation that sends mail answers who wants a booking's confirmation again; `state`: that mail, which is in it."""
    path = s.booking
    if state:
        path = f"/api/notifications/{(id_ := uuid4())}"
        with psycopg.connect(s.stack.settings.database_url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO outbox (id, channel, kind, recipient_id, event_id, booking_id, details, state)"
                " VALUES (%s, 'mail', 'booking-confirmed', %s, %s, %s, '{}', %s)",
                (id_, s.alice.id, s.target.event["id"], s.target.booking["id"], state),
            )
    elif is_cancelled:
        s.alice.ok("DELETE", path)
    else:
        path = f"/api/bookings/{s.organizer.ok('POST', f'{s.path}/bookings', tickets(1))['id']}"
    with s.stack.another_api(**MAIL) as url, httpx.Client(base_url=url, timeout=30) as http:
        return Person(http, token=s.organizer.token).do("POST", f"{path}/resend")


def _announce(s: Scene, audience: str, times: int = 1) -> httpx.Response:
    body = {"audience": audience, "subject": "Doors", "text": "At six."}
    with s.stack.another_api(**MAIL) as url, httpx.Client(base_url=url, timeout=30) as http:
        organizer = Person(http, token=s.organizer.token)
        return [organizer.do("POST", f"{s.path}/messages", body) for _ in range(times)][-1]


def _hold(s: Scene, minutes_ago: int = 0) -> str:
    """The path of a hold of Alice's of both seats of an event, which may have been made in the past, by another process."""
    organizer, alice = Actor(UUID(s.organizer.id), Role.ORGANIZER), Actor(UUID(s.alice.id), Role.CUSTOMER)
    then = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    event_id, hold_id = uuid4(), uuid4()
    details = Details(name="Concert", starts_at=then + timedelta(days=9))
    with closing(Ledger(s.stack.settings.database_url, Macs.open(s.stack.settings.keys))) as ledger:
        categories = (Category(1, "General", 5_000, 2),)
        ledger.execute(ScheduleEvent(
            id=uuid4(), actor=organizer, event_id=event_id, details=details, currency="EUR", categories=categories
        ), then)  # fmt: skip
        ledger.execute(HoldSeats(id=hold_id, actor=alice, event_id=event_id, tickets=(WantedSeats("General", 2),)), then)
    return f"/api/holds/{hold_id}"


def _hold_closed(s: Scene) -> httpx.Response:
    s.alice.ok("DELETE", path := _hold(s))
    return s.alice.do("POST", f"{path}/confirm")


def _hold_gone(s: Scene) -> httpx.Response:
    hold = s.alice.ok("GET", path := _hold(s, minutes_ago=20))
    assert hold["status"] == "lapsed"
    s.organizer.ok("POST", f"/api/events/{hold['event_id']}/bookings", tickets(1))
    return s.alice.do("POST", f"{path}/confirm")


def _extension_limit(s: Scene) -> httpx.Response:
    path = _hold(s)
    return [s.alice.do("POST", f"{path}/extend") for _ in range(4)][-1]


def _hold_where(s: Scene, times: int = 1, **environment: str) -> httpx.Response:
    with s.stack.another_api(**environment) as url, httpx.Client(base_url=url, timeout=30) as http:
        return [Person(http, token=s.alice.token).do("POST", f"{s.path}/holds", tickets(1)) for _ in range(times)][-1]


UNKNOWN = uuid4()
RECIPES: dict[str, Callable[[Scene], httpx.Response]] = (
    code_recipes.RECIPES
    | payment_recipes.RECIPES
    | {
        "event-not-found": lambda s: s.alice.do("GET", f"/api/events/{UNKNOWN}"),
        "booking-not-found": lambda s: s.alice.do("GET", f"/api/bookings/{UNKNOWN}"),
        "entry-not-found": _between_entries,
        "account-not-found": lambda s: s.stack.admin.do("PATCH", f"/api/users/{UNKNOWN}", {"disabled": True}),
        "not-found": lambda s: s.alice.do("GET", "/api/nothing"),
        "method-not-allowed": lambda s: s.alice.do("PUT", "/api/events"),
        "body-too-large": lambda s: s.alice.do("POST", f"{s.path}/bookings", {"a": "a" * 70_000}),
        "not-your-event": lambda s: s.stack.person("organizer").do("POST", f"{s.path}/cancel"),
        "forbidden": lambda s: s.alice.do("GET", "/api/users"),
        "csrf-missing": _csrf_missing,
        "not-signed-in": lambda s: s.stack.nobody().do("GET", "/api/me"),
        "wrong-credentials": lambda s: s.stack.nobody().do("POST", "/api/login", {"email": "no@example.test", "password": "x"}),
        "too-many-attempts": _too_many_attempts,
        "too-many-requests": _too_many_requests,
        "too-many-streams": _too_many_streams,
        "sold-out": lambda s: s.alice.do("POST", f"{s.path}/bookings", tickets(6, "VIP")),
        "price-changed": lambda s: s.alice.do("POST", f"{s.path}/bookings", {**tickets(2), "expected_total": "25.00"}),
        "guest-checkout-off": lambda s: _guest(s, s.event(guest_checkout="off")),
        "email-unverified": lambda s: _guest(s, s.event(guest_checkout="proven")),
        "guest-secret-missing": lambda s: _guest(s, s.event(), key="1"),
        "wrong-mailed-code": _wrong_mailed_code,
        "hold-not-found": lambda s: s.alice.do("GET", f"/api/holds/{UNKNOWN}"),
        "hold-closed": _hold_closed,
        "hold-gone": _hold_gone,
        "extension-limit": _extension_limit,
        "too-many-holds": lambda s: _hold_where(s, times=2, HOLDS_PER_ACCOUNT="1"),
        "holds-off": lambda s: _hold_where(s, HOLDS="0"),
        "customer-limit": lambda s: s.alice.do("POST", f"{s.event(max_tickets_per_customer=1)}/bookings", tickets(2)),
        "booking-too-large": lambda s: s.alice.do("POST", f"{s.event(capacity=2_000)}/bookings", tickets(1_001)),
        "event-not-bookable": _event_not_bookable,
        "not-on-sale": lambda s: s.alice.do("POST", f"{s.event(sales_open_at='2030-01-01T00:00:00Z')}/bookings", tickets(1)),
        "already-cancelled": _already_cancelled,
        "ticket-already-used": _ticket_used,
        "ticket-cancelled": _ticket_cancelled,
        "wrong-event": lambda s: s.organizer.do("POST", f"{s.event()}/check-ins", s.code()),
        "invalid-code": lambda s: s.organizer.do("POST", f"{s.path}/check-ins", {"code": "0" * 31}),
        "capacity-below-taken": lambda s: s.edit(
            *({"id": category["id"], "capacity": 1} for category in s.target.event["categories"])
        ),
        "category-in-use": lambda s: s.edit({"id": s.target.event["categories"][1]["id"]}),
        "pool-below-taken": _pool_below_taken,
        "stale-version": lambda s: s.organizer.do("PATCH", s.path, {"name": "N"}, If_Match='"7"'),
        "precondition-required": lambda s: s.organizer.do("PATCH", s.path, {"name": "N"}),
        "idempotency-key-reused": _key_reused,
        "position-beyond-head": lambda s: s.alice.do("GET", s.path, Ledger_Position="999999999"),
        "malformed": lambda s: s.organizer.do("POST", "/api/events", {"starts_at": LATER}),
        "email-taken": lambda s: s.stack.nobody().do("POST", "/api/signup", _new_account(s)),
        "last-admin": _last_admin,
        "account-unverified": lambda s: s.alice.do("POST", "/api/me/claims"),
        "link-superseded": _superseded,
        "open-date": _open_date,
        "erasure-refused": _erasure_refused,
        "weak-password": lambda s: s.stack.nobody().do("POST", "/api/signup", {**someone(), "password": "Password1"}),
        "wrong-code": lambda s: s.alice.do("POST", "/api/me/second-factor/confirm", {"code": "123456"}),
        "second-factor-required": _second_factor_required,
        "second-factor-missing": _second_factor_missing,
        "second-factor-exists": lambda s: _with_second_factor(s).do("POST", "/api/me/second-factor"),
        "second-factor-not-found": lambda s: s.alice.do("DELETE", "/api/me/second-factor"),
        "mail-not-found": lambda s: s.alice.do("GET", f"/api/mailbox/{UNKNOWN}"),
        "mail-off": lambda s: s.stack.nobody().do("POST", "/api/password-reset", {"email": "alice@example.test"}),
        "token-unknown": _token_unknown,
        "token-expired": lambda s: _link(s, uuid4()),
        "token-used": lambda s: _link(s, _token_of(s, s.alice.id), times=2),
        "webhook-not-found": lambda s: s.organizer.do("GET", f"/api/webhooks/{UNKNOWN}"),
        "webhook-paused": _webhook_paused,
        "too-many-webhooks": _too_many_webhooks,
        "notification-not-found": lambda s: s.organizer.do("POST", f"/api/notifications/{UNKNOWN}/resend"),
        "notification-waiting": lambda s: _resent(s, "due"),
        "no-tickets-left": lambda s: _resent(s, is_cancelled=True),
        "no-recipient": _resent,
        "audience-empty": lambda s: _announce(s, "checked-in"),
        "too-many-announcements": lambda s: _announce(s, "myself", 21),
        "link-of-another": lambda s: _link(s, _token_of(s, s.stack.person().id)),
        "session-not-found": lambda s: s.alice.do("DELETE", f"/api/me/sessions/{UNKNOWN}"),
        "reauthentication-required": _reauthentication_required,
        "wrong-password": lambda s: s.alice.do("PATCH", "/api/me", {"password": "a new password", "old_password": "wrong"}),
    }
)
#: What a program needs beside the text.
FACTS: dict[str, JSON] = code_recipes.FACTS | {
    "hold-closed": {"outcome": "released"}, "hold-gone": {"available": 1, "category": "General"}, "extension-limit": {"limit": 3},
    "too-many-holds": {"limit": 1},
    "sold-out": {"available": 5, "category": "VIP"}, "customer-limit": {"limit": 1, "held": 0},
    "price-changed": {"total_amount": "100.00"}, "too-many-webhooks": {"limit": 20}, "too-many-announcements": {"limit": 20},
    "booking-too-large": {"limit": 1_000}, "event-not-bookable": {"reason": "completed"},
    "capacity-below-taken": {"taken": 2}, "stale-version": {"details_version": 1},
    "pool-below-taken": {"taken": 2, "pool": "Hall"},
}  # fmt: skip
