"""The rules that several commands share: who sells for an Event, and when it is on sale. Pure."""

from datetime import datetime
from typing import Any

from ledger import errors
from ledger.commands import Actor, Role
from ledger.details import GuestCheckout
from ledger.event import Event

Stamp = dict[str, Any]


def is_box_office(event: Event, actor: Actor) -> bool:
    """Whether the actor sells for the Event: its organizer, or an admin."""
    return actor.role == Role.ADMIN or (actor.role == Role.ORGANIZER and actor.id == event.organizer_id)


def check_box_office(event: Event, actor: Actor) -> None:
    if not is_box_office(event, actor):
        raise errors.NotYourEvent


def check_active(event: Event) -> None:
    if event.status != "active":
        raise errors.EventNotBookable(event.status)


def check_not_past(event: Event, now: datetime) -> None:
    past_at = event.details.past_at
    if past_at is not None and now >= past_at:
        raise errors.EventNotBookable("past")


def check_on_sale(event: Event, now: datetime) -> None:
    opens_at = event.details.sales_open_at
    if opens_at is not None and now < opens_at:
        raise errors.NotOnSale(opens_at=opens_at.isoformat())
    check_not_closed(event, now)


def check_not_closed(event: Event, now: datetime) -> None:
    closes_at = event.details.sales_close_at
    if closes_at is not None and now >= closes_at:
        raise errors.NotOnSale(closed_at=closes_at.isoformat())


def default_guest_checkout(max_tickets_per_customer: int | None) -> GuestCheckout:
    """A limit by customer holds only for proven addresses: anybody can make up others."""
    return "open" if max_tickets_per_customer is None else "proven"


def malformed(path: str, message: str, detail: str = "") -> errors.Malformed:
    return errors.Malformed(detail or f"{path} {message}.", errors=[{"path": path, "message": message}])
