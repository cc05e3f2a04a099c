"""Orders of people who are logged in: bookings and holds, for themselves or, at the box office, for others. Those of people without
an account: `guest_orders.py`."""

from typing import Any
from uuid import UUID

from accounts.directory import Contact
from commands.appender.pending import DisconnectCheck
from commands.order_bodies import BoxOfficeCustomer, NewBooking, read_person
from commands.result import CommandResult
from commands.write_side import WriteSide
from ledger.commands import Actor, BookSeats, HoldSeats, OrderSeats
from ledger.errors import EventNotFound, Malformed, NotYourEvent
from ledger.rules import is_box_office
from ledger.ticket_codes import TicketCodes

Order = type[BookSeats] | type[HoldSeats]


def only_for(kind: Order, codes: TicketCodes) -> dict[str, Any]:
    """The fields of a command that orders of the other kind do not have."""
    return {"ticket_key": codes.newest_key} if kind is BookSeats else {}


async def order(write_side: WriteSide, kind: Order, event_id: UUID, body: NewBooking, actor: Actor, id_: UUID) -> OrderSeats:
    """The command of a request. Raises Malformed, EventNotFound, NotYourEvent."""
    if body.contact is not None or body.proof is not None:
        wrong = {"path": "contact" if body.contact is not None else "proof", "message": "is for people without a log-in"}
        raise Malformed("What you order is your account's: leave out contact and proof.", errors=[wrong])
    customer, proof = None, b""
    if body.customer is not None:
        customer, proof = await _box_office_customer(write_side, event_id, id_, actor, body.customer)
    return kind(
        id=id_, actor=actor, event_id=event_id, tickets=body.wanted(), customer_id=customer and customer.id, customer_proof=proof,
        same_person=customer.same_person if customer else frozenset(), expected_total=body.total(),
        code=write_side.promo_codes.wanted(event_id, body.code),
        **only_for(kind, write_side.command_service.codes),
    )  # fmt: skip


async def book(
    write_side: WriteSide, event_id: UUID, body: NewBooking, actor: Actor, id_: UUID, is_disconnected: DisconnectCheck
) -> CommandResult:
    """Books seats in one step. Raises as `order` and `CommandService.execute`."""
    command = await order(write_side, BookSeats, event_id, body, actor, id_)
    return await write_side.command_service.execute(command, is_disconnected)


async def _box_office_customer(
    write_side: WriteSide, event_id: UUID, command_id: UUID, actor: Actor, body: dict[str, Any]
) -> tuple[Contact | None, bytes]:
    """The contact and the proof of a box-office customer. It is found or created, but only after the check that the actor may sell
    for this event, so that others can't create contacts, and not for a retry, since it may have been erased."""
    customer = read_person(BoxOfficeCustomer, "customer", body)
    event = await write_side.command_service.last_seen_event(event_id)
    if event is None:
        raise EventNotFound
    if not is_box_office(event, actor):
        raise NotYourEvent
    proof = write_side.customer_proof(customer)
    if event.version_of(command_id) is not None:
        return None, proof
    return await write_side.find_contact(event.organizer_id, customer.name, customer.email), proof
