"""The services that the routes of the write side use, and how they respond."""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from uuid import UUID

import msgspec
from fastapi import Request, Response

from accounts.directory import Contact
from commands.order_bodies import BoxOfficeCustomer
from commands.service import CommandService
from ledger.concurrency import Portions
from ledger.errors import BookingNotFound
from ledger.hold_errors import HoldsOff
from ledger.promo_codes import PromoCodes

_encode = msgspec.json.Encoder().encode


class WriteSide:
    """In `app.state.write_side`. `find_event` finds the event of a booking; `find_contact` finds or creates the organizer's contact
    with a name and an e-mail address; `key` is 32 secret bytes. `has_holds`: the setting HOLDS."""

    def __init__(
        self,
        command_service: CommandService,
        *,
        currency: str,
        find_event: Callable[[UUID], Awaitable[UUID | None]],
        find_contact: Callable[[UUID, str, str], Awaitable[Contact]],
        key: bytes,
        has_holds: bool,
        promo_codes: PromoCodes,
    ) -> None:
        self.command_service, self.currency, self._key, self._has_holds = command_service, currency, key, has_holds
        self.promo_codes, self.portions = promo_codes, Portions()
        self._find_event, self.find_contact = find_event, find_contact

    def customer_proof(self, customer: BoxOfficeCustomer) -> bytes:
        """A keyed digest of the name and e-mail address of a customer in a request. Its digest is stored in the ledger, and reveals
        nothing without the key."""
        return blake2b(_encode([customer.name, customer.email]), key=self._key, digest_size=16, person=b"box office").digest()

    def check_holds_on(self) -> None:
        """Raises HoldsOff while processes may run that can't read the entries of holds, pools, codes and payments. Asked for
        the first such entry of an Event: after it they can't read the others, either."""
        if not self._has_holds:
            raise HoldsOff

    async def find_event_id(self, booking_id: UUID) -> UUID:
        event_id = await self._find_event(booking_id)
        if event_id is None:
            raise BookingNotFound
        return event_id


def write_side_of(request: Request) -> WriteSide:
    write_side: WriteSide = request.app.state.write_side
    return write_side


def view_response(view: object, position: int | None, status: int = 200, headers: Mapping[str, str] = {}) -> Response:
    """The view of a command's result as JSON, with its ledger position (None: it is not known); no cache may store it."""
    head = {"Cache-Control": "no-store", **headers}
    if position is not None:
        head["Ledger-Position"] = str(position)
    return Response(_encode(view), status, head, "application/json")


def with_field(view: object, name: str, value: str) -> msgspec.Raw:
    """The view with one field more, which is the last of its kind."""
    return msgspec.Raw(_encode(view)[:-1] + b"," + _encode(name) + b":" + _encode(value) + b"}")
