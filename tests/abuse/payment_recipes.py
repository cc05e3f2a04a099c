"""Requests that produce each problem of payments, one by slug."""

from collections.abc import Callable

import httpx

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


RECIPES: dict[str, Callable[[Scene], httpx.Response]] = {
    "payment-elsewhere": lambda s: _pay(s, _booking(s), "50.00"),
    "payment-due": _payment_due,
    "already-paid": lambda s: _pay(s, s.target.booking, "50.00"),
    "amount-differs": lambda s: _pay(s, _booking(s, payment=ON_SITE), "49.99"),
    "refund-exceeds": lambda s: s.organizer.do("POST", f"{s.booking}/refunds", {"kind": "cash", "amount": "100.01"}),
}
