"""Orders of people without an account, bookings and holds: the contact whose they are, and whose `Idempotency-Key` it is. For an
unproven order accounts are not looked at: nobody learns from a response whether an address has one."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from hashlib import blake2b
from typing import Literal
from uuid import UUID, uuid4

import msgspec
from fastapi import Request

from accounts.access import Access, address_of, guest_command_id
from accounts.directory import Contact as ProvenContact
from accounts.errors import GuestSecretMissing, NotSignedIn
from commands.order_bodies import Contact, HoldConfirmation, NewBooking, read_person
from commands.orders import Order, only_for
from commands.result import CommandResult
from commands.service import CommandService
from ledger.commands import Actor, Command, HoldSeats, OrderHeldSeats, OrderSeats, Role
from ledger.concurrency import SingleFlight
from ledger.errors import EmailUnverified, EventNotFound, Malformed, OutcomeUnknown, SeatledgerError
from ledger.event import Event
from ledger.hold_views import HoldView
from ledger.promo_codes import PromoCodes
from ledger.views import BookingView
from notifications.hold_access import HoldUser

_encode = msgspec.json.Encoder().encode
NOT_THIS_HOLD = "The body is not a confirmation of this hold."


class GuestOrders:
    """In `app.state.guest_orders`."""

    def __init__(self, command_service: CommandService, access: Access, promo_codes: PromoCodes, key: bytes) -> None:
        """`key`: 32 secret bytes, as of `WriteSide`."""
        self._command_service, self._access, self._promo_codes, self._key = command_service, access, promo_codes, key
        self._flights = SingleFlight[tuple[UUID, bytes], CommandResult]()

    async def order(
        self, kind: Order, event_id: UUID, body: NewBooking, request: Request, key: str | None, guest_secret: str | None
    ) -> CommandResult:
        """Orders for the contact in the body. Raises NotSignedIn without one; GuestSecretMissing; as `CommandService.execute`."""
        if body.contact is None:
            raise NotSignedIn
        contact = _contact(body)
        browser = self._browser(request, key, guest_secret)
        id_ = guest_command_id(request, browser, contact.email, key)
        event = await self._event(event_id)
        command: OrderSeats = kind(
            id=id_, actor=Actor(uuid4(), Role.CUSTOMER), event_id=event_id, tickets=body.wanted(),
            customer_proof=self._proof_of(contact), expected_total=body.total(), guest="unproven",
            code=self._promo_codes.wanted(event_id, body.code), **only_for(kind, self._command_service.codes),
        )  # fmt: skip
        if event.version_of(id_) is not None:  # a retry: whose it is was said at the first try
            return await self._command_service.execute(command, request.is_disconnected)
        if body.proof is not None:
            found = await self._proven(event, contact, body.proof, browser)
            command = _of(command, Actor(found.id, Role.CUSTOMER, found.same_person), "proven")
            return await self._command_service.execute(command, request.is_disconnected)
        return await self._unproven(
            command, event, contact, request, lambda id_: _of(command, Actor(id_, Role.CUSTOMER), "unproven")
        )

    async def hold(
        self, event_id: UUID, body: NewBooking, request: Request, key: str | None, guest_secret: str | None
    ) -> CommandResult:
        """Holds seats for the contact in the body; without one, for somebody who says at the confirmation who they are. Raises as
        `order`."""
        if body.contact is not None:
            return await self.order(HoldSeats, event_id, body, request, key, guest_secret)
        wrong = next((name for name in ("customer", "proof") if getattr(body, name) is not None), None)
        if wrong is not None:
            raise Malformed("The body is not a hold.", errors=[{"path": wrong, "message": "has no contact that it is about"}])
        id_ = guest_command_id(request, self._browser(request, key, guest_secret), "", key)
        command = HoldSeats(
            id=id_, actor=Actor(uuid4(), Role.CUSTOMER), event_id=event_id, tickets=body.wanted(), expected_total=body.total(),
            guest="unnamed", code=self._promo_codes.wanted(event_id, body.code),
        )  # fmt: skip
        return await self._command_service.execute(command, request.is_disconnected)

    async def confirm(
        self, user: HoldUser, body: HoldConfirmation, request: Request, id_: UUID, guest_secret: str | None
    ) -> CommandResult:
        """Confirms a hold that does not say whose it is, or starts its payment, for the contact in the body: each try for a contact
        of its own, so that none changes another's. Raises Malformed for a hold that says it; as `CommandService.execute`."""
        contact = read_person(Contact, "contact", body.contact)
        if body.token is not None:
            raise Malformed(NOT_THIS_HOLD, errors=[{"path": "token", "message": "is for people with a log-in"}])
        browser, holder_id = self._access.guest_secrets.hash_of(request, guest_secret), user.held_by.customer_id
        event = await self._event(user.held_by.event_id)
        command = body.command(
            self._command_service.codes.newest_key,
            id=id_, actor=user.actor, event_id=event.id, hold_id=user.hold_id, customer_proof=self._proof_of(contact),
            guest="unproven",
        )  # fmt: skip
        if event.version_of(id_) is not None:  # a retry: whose it is was said at the first try
            return await self._command_service.execute(command, request.is_disconnected)
        if user.is_named or holder_id is None:
            raise Malformed(NOT_THIS_HOLD, errors=[{"path": "contact", "message": "was said when the seats were held"}])
        if body.proof is not None:
            found = await self._proven(event, contact, body.proof, browser)
            command = _for(command, found.id, found.same_person, holder_id, "proven")
            return await self._command_service.execute(command, request.is_disconnected)
        return await self._unproven(
            command, event, contact, request, lambda contact_id: _for(command, contact_id, frozenset(), holder_id, "unproven")
        )

    async def _unproven(
        self, command: Command, event: Event, contact: Contact, request: Request, of_contact: Callable[[UUID], Command]
    ) -> CommandResult:
        """The result of the order for a new contact, which is counted. If the same is sent again meanwhile, both get the result of
        the first: it counts once."""

        async def send() -> CommandResult:
            limited = self._access.guest_mail_limiter.unproven_booking(contact.email, address_of(request))
            async with limited as counted, self._new_contact(event.organizer_id, contact) as made:
                result = await self._command_service.execute(of_contact(made.id), request.is_disconnected)
                made.is_used = isinstance(result.view, BookingView | HoldView) and result.view.customer_id == made.id
                counted.was_made_before = not made.is_used
                return result

        return await self._flights.do((command.id, command.digest()), send)

    def _browser(self, request: Request, key: str | None, guest_secret: str | None) -> bytes | None:
        """The hash of its secret. Raises GuestSecretMissing if a key needs one."""
        browser = self._access.guest_secrets.hash_of(request, guest_secret)
        if key is not None and browser is None:
            raise GuestSecretMissing(self._access.guest_secrets.set_cookie)
        return browser

    async def _event(self, event_id: UUID) -> Event:
        event = await self._command_service.last_seen_event(event_id)
        if event is None:
            raise EventNotFound
        return event

    async def _proven(self, event: Event, contact: Contact, proof: str, browser: bytes | None) -> ProvenContact:
        """The contact with this address, which the proof is for. Raises EmailUnverified."""
        if browser is None or not self._access.contact_codes.is_proven(contact.email, proof, browser):
            raise EmailUnverified
        found = await self._access.guest_contacts.find_or_create_proven(event.organizer_id, contact.name, contact.email)
        # What this process remembers of the account may lack the contact that it has just claimed.
        for id_ in found.same_person:
            self._access.accounts.forget(id_)
        return found

    def _proof_of(self, contact: Contact) -> bytes:
        """A keyed digest of the contact in a request, as `WriteSide.customer_proof`."""
        return blake2b(_encode([contact.name, contact.email]), key=self._key, digest_size=16, person=b"guest").digest()

    @asynccontextmanager
    async def _new_contact(self, organizer_id: UUID, contact: Contact) -> AsyncIterator["_NewContact"]:
        """A contact for the order of the block. It is there before the booking, whose mail needs it, and deleted again if the order
        is refused, or was made before, for another one."""
        made = _NewContact(await self._access.guest_contacts.create(organizer_id, contact.name, contact.email))
        try:
            yield made
        except SeatledgerError as error:
            if not isinstance(error, OutcomeUnknown):
                await self._discard(made.id)
            raise
        if not made.is_used:
            await self._discard(made.id)

    async def _discard(self, contact_id: UUID) -> None:
        with suppress(SeatledgerError):  # it harms nobody; the response is of the booking
            await self._access.guest_contacts.discard(contact_id)


class _NewContact:
    """`is_used`: what was ordered is this contact's."""

    def __init__(self, id_: UUID) -> None:
        self.id, self.is_used = id_, False


def _of(command: OrderSeats, actor: Actor, guest: Literal["unproven", "proven"]) -> OrderSeats:
    return msgspec.structs.replace(command, actor=actor, guest=guest)


def _for(
    command: OrderHeldSeats, customer_id: UUID, same_person: frozenset[UUID], holder_id: UUID, guest: Literal["unproven", "proven"]
) -> OrderHeldSeats:
    """The order for this contact, who has the token of what the holder holds."""
    actor = Actor(customer_id, Role.CUSTOMER, same_person | {holder_id})
    return msgspec.structs.replace(command, actor=actor, customer_id=customer_id, same_person=same_person, guest=guest)


def _contact(body: NewBooking) -> Contact:
    if body.customer is not None:
        raise Malformed("The body is not a booking.", errors=[{"path": "customer", "message": "is for the box office alone"}])
    return read_person(Contact, "contact", body.contact)


def guest_orders_of(request: Request) -> GuestOrders:
    orders: GuestOrders = request.app.state.guest_orders
    return orders
