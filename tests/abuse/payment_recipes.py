"""Requests that produce each problem of payments, one by slug."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx

from ledger.commands import Actor, GiveRefund, Role
from ledger.macs import Macs
from ledger.paying import MAX_REFUNDS
from ledger.store import Ledger
from tests.abuse.scene import Scene
from tests.running_system import JSON, ON_SITE, tickets


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


RECIPES: dict[str, Callable[[Scene], httpx.Response]] = {
    "payment-elsewhere": lambda s: _pay(s, _booking(s), "50.00"),
    "payment-due": _payment_due,
    "already-paid": lambda s: _pay(s, s.target.booking, "50.00"),
    "amount-differs": lambda s: _pay(s, _booking(s, payment=ON_SITE), "49.99"),
    "refund-limit": _refund_limit,
    "refund-exceeds": lambda s: s.organizer.do("POST", f"{s.booking}/refunds", {"kind": "cash", "amount": "100.01"}),
}
