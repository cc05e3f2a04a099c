"""Requests that produce each problem of payments, one by slug."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx

from ledger.commands import Actor, ChangeEvent, GiveRefund, Role
from ledger.details import OnlineMethod
from ledger.macs import Macs
from ledger.paying import MAX_REFUNDS
from ledger.store import Ledger
from tests.abuse.scene import Scene
from tests.running_system import JSON, ON_SITE, ONLINE, Person, tickets
from tests.stripe_servers import KEYS


def _booking(s: Scene, **about: JSON) -> JSON:
    """Of one General seat, by Alice."""
    booking: JSON = s.alice.ok("POST", f"{s.event(**about)}/bookings", tickets(1))
    return booking


def _pay(s: Scene, booking: JSON, amount: str) -> httpx.Response:
    return s.organizer.do("POST", f"/api/bookings/{booking['id']}/payments", {"kind": "cash", "amount": amount})


def _payment_due(s: Scene) -> httpx.Response:
    booking = _booking(s, payment=ON_SITE)
    return s.organizer.do("POST", f"/api/events/{booking['event_id']}/check-ins", {"code": booking["tickets"][0]["code"]})


def _refund_limit(s: Scene) -> httpx.Response:
    """After as many refunds of a cent, by another process."""
    organizer, event, booking = (UUID(id_) for id_ in (s.organizer.id, s.target.event["id"], s.target.booking["id"]))
    by: dict[str, Any] = {"actor": Actor(organizer, Role.ORGANIZER), "event_id": event, "booking_id": booking, "goodwill": True}
    with closing(Ledger(s.stack.settings.database_url, Macs.open(s.stack.settings.keys))) as ledger:
        for _ in range(MAX_REFUNDS):
            ledger.execute(GiveRefund(id=uuid4(), **by, method="cash", amount=1), datetime.now(UTC))
    return s.organizer.do("POST", f"{s.booking}/refunds", {"kind": "cash", "amount": "0.01", "goodwill": True})


def _event_paid_online(s: Scene, method: OnlineMethod = "demo", **more: Any) -> str:
    """The path of an event that is paid by a provider which this process does not have."""
    event = s.stack.event(s.organizer, **more)
    change = ChangeEvent(
        id=uuid4(), actor=Actor(UUID(s.organizer.id), Role.ORGANIZER), event_id=UUID(event["id"]),
        changes={"payment_methods": (method,)}, expected_details_version=1,
    )  # fmt: skip
    with closing(Ledger(s.stack.settings.database_url, Macs.open(s.stack.settings.keys))) as ledger:
        ledger.execute(change, datetime.now(UTC))
    return f"/api/events/{event['id']}"


@contextmanager
def _demo(s: Scene) -> Iterator[httpx.Client]:
    """An API process with the provider of the demo."""
    with s.stack.another_api(DEMO="1") as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def _payment_required(s: Scene) -> httpx.Response:
    return s.alice.do("POST", f"{_event_paid_online(s)}/bookings", tickets(1))


def _payment_refused(s: Scene) -> httpx.Response:
    """Stripe takes two decimals of this currency, which has three."""
    price = [{"name": "General", "price": "12.505", "capacity": 10}]
    event = _event_paid_online(s, "stripe", currency="KWD", categories=price)
    held = s.alice.ok("POST", f"{event}/holds", tickets(1))
    keys = {name.upper(): str(int(value) if value is True else value) for name, value in KEYS.items()}
    with s.stack.another_api(**keys) as url, httpx.Client(base_url=url, timeout=30) as client:
        return Person(client, token=s.alice.token).do("POST", f"/api/holds/{held['id']}/payments", {"method": "stripe"})


def _payment_method_off(s: Scene) -> httpx.Response:
    return s.organizer.do("PATCH", s.path, {"payment": ONLINE}, If_Match='"1"')


def _payment_not_found(s: Scene) -> httpx.Response:
    with _demo(s) as demo:
        return demo.get(f"/api/demo-provider/payments/{uuid4()}")


def _webhook_refused(s: Scene) -> httpx.Response:
    with _demo(s) as demo:
        return demo.post("/api/payment-providers/demo/webhook", content=b"{}")


RECIPES: dict[str, Callable[[Scene], httpx.Response]] = {
    "payment-elsewhere": lambda s: _pay(s, _booking(s), "50.00"),
    "payment-due": _payment_due,
    "payment-required": _payment_required,
    "payment-method-off": _payment_method_off,
    "payment-refused": _payment_refused,
    "payment-not-found": _payment_not_found,
    "provider-unknown": lambda s: s.stack.nobody().do("POST", "/api/payment-providers/none/webhook"),
    "webhook-refused": _webhook_refused,
    "already-paid": lambda s: _pay(s, s.target.booking, "50.00"),
    "amount-differs": lambda s: _pay(s, _booking(s, payment=ON_SITE), "49.99"),
    "refund-limit": _refund_limit,
    "refund-exceeds": lambda s: s.organizer.do("POST", f"{s.booking}/refunds", {"kind": "cash", "amount": "100.01"}),
}
