"""Holding seats and confirming them, for the documented routes and for the fast path alike."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from fastapi import Request

from accounts.tokens import Principal
from commands.appender.pending import DisconnectCheck
from commands.guest_orders import NOT_THIS_HOLD
from commands.order_bodies import HoldConfirmation, NewBooking
from commands.orders import order
from commands.result import CommandResult
from commands.write_side import WriteSide
from ledger.commands import Actor, ExtendHold, HoldCommand, HoldSeats, ReleaseHold, Role
from ledger.errors import Busy, Malformed
from ledger.hold_errors import HoldClosed, HoldNotFound, HoldTakenOver
from ledger.hold_views import HoldView
from ledger.mail_tokens import Issued
from ledger.open_holds import OpenHolds, Reservation
from ledger.settings import Settings
from notifications.hold_access import HoldUser, read_token
from notifications.manage_urls import ManageUrls

#: So many seats of an account's holds count as one: else an account, which costs nothing, could keep 1,000 seats by each.
SEATS_PER_HOLD = 20


def seats_of(body: NewBooking) -> int:
    return sum(wanted.quantity for wanted in body.tickets)


class Holds:
    """In `app.state.holds`."""

    def __init__(
        self,
        write_side: WriteSide,
        open_holds: OpenHolds,
        urls: ManageUrls,
        is_known: Callable[[UUID], Awaitable[bool]],
        check_holder: Callable[[Issued, UUID], Awaitable[object]],
        settings: Settings,
    ) -> None:
        """`is_known`: whether there is an account, or a contact, with this id. `check_holder`: whether a token of a hold of that
        person is in force (`ManageLinks.check_holder`)."""
        self._is_known, self._check_holder = is_known, check_holder
        self._write_side, self._open_holds, self._urls = write_side, open_holds, urls
        self._of_account, self._of_address = settings.holds_per_account, settings.holds_per_address

    async def hold(
        self, event_id: UUID, body: NewBooking, principal: Principal, client: str, id_: UUID, is_disconnected: DisconnectCheck
    ) -> CommandResult:
        """`client`: as `client_address.client_of`. Raises HoldsOff, TooManyHolds; as `CommandService.execute`."""
        weight = -(-seats_of(body) // SEATS_PER_HOLD)
        async with self._room((principal.id, self._of_account), (client, self._of_address), weight=weight) as reservation:
            command = await order(self._write_side, HoldSeats, event_id, body, principal.actor, id_)
            result = await self._write_side.command_service.execute(command, is_disconnected)
            reservation.hold = _held(result)
        return result

    async def hold_for_guest(self, client: str, seats: int, send: Callable[[], Awaitable[CommandResult]]) -> CommandResult:
        """As `hold`, for somebody without an account, whose command is sent by `send`. Each of these seats counts as a hold: it
        costs nothing to be nobody, and to be nobody again."""
        async with self._room((client, self._of_address), weight=seats) as reservation:
            result = await send()
            reservation.hold = _held(result)
        return result

    async def confirm(self, user: HoldUser, body: HoldConfirmation, id_: UUID, is_disconnected: DisconnectCheck) -> CommandResult:
        """Confirms a hold, or starts its payment, for an account, or for the bearer of the token of a hold that says whose it is.
        Raises Malformed; as `CommandService.execute`."""
        actor, customer_id = user.actor, None
        if user.principal is None:
            _leave_out(body, "token", "is for people with a log-in")
            if not user.is_named:
                raise Malformed("The hold does not say whose it is.", errors=[{"path": "contact", "message": "is missing"}])
        else:
            _leave_out(body, "contact", "is for people without a log-in")
            _leave_out(body, "proof", "is for people without a log-in")
            if body.token is not None:
                actor, customer_id = await self._bearer(user, user.principal, body.token), user.principal.id
            elif user.principal.role != Role.CUSTOMER and not await self._is_named(user, user.principal):
                raise Malformed("The hold does not say whose it is.", errors=[{"path": "token", "message": "is missing"}])
        command = body.command(
            self._write_side.command_service.codes.newest_key,
            id=id_, actor=actor, event_id=user.held_by.event_id, hold_id=user.hold_id, customer_id=customer_id,
            same_person=user.own_ids if customer_id is None else actor.claimed | {customer_id}, guest=user.guest,
            is_named=user.guest is not None,
        )  # fmt: skip
        return await self.confirmed(user, self._write_side.command_service.execute(command, is_disconnected))

    async def confirmed(self, user: HoldUser, sent: Awaitable[CommandResult]) -> CommandResult:
        """The result of a confirmation that was sent, after which the hold counts no more; or of the start of a payment, after
        which it lasts longer, and may be another customer's. Raises HoldClosed instead of HoldNotFound where the bearer's hold
        is a booking, whose customer has another id."""
        try:
            result = await self._as_owner(user, sent)
        except HoldNotFound:
            event = await self._write_side.command_service.last_seen_event(user.held_by.event_id)
            if user.principal is None and event is not None and user.hold_id.bytes in event.bookings:
                raise HoldClosed("confirmed") from None
            raise
        if isinstance(result.view, HoldView):
            self._open_holds.extended(result.view)
        else:
            self._open_holds.ended(user.hold_id)
        return result

    async def _is_named(self, user: HoldUser, principal: Principal) -> bool:
        """Whether the box office knows for whom it confirms."""
        holder_id = user.held_by.customer_id
        return holder_id is None or holder_id in principal.ids or await self._is_known(holder_id)

    async def _bearer(self, user: HoldUser, principal: Principal, token: str) -> Actor:
        """The account, as the person for whom this hold was made without a log-in. Raises NotSignedIn, HoldNotFound; LinkSuperseded
        if another account pays for it."""
        issued, holder_id = read_token(self._urls, user.hold_id, token), user.held_by.customer_id
        if holder_id is None:
            raise HoldNotFound
        if holder_id not in principal.ids:
            await self._check_holder(issued, holder_id)
        return Actor(principal.id, principal.role, principal.claimed | {holder_id})

    async def extend(self, user: HoldUser, id_: UUID, is_disconnected: DisconnectCheck) -> CommandResult:
        result = await self._send(ExtendHold, user, id_, is_disconnected)
        self._open_holds.extended(_held(result))
        return result

    async def release(self, user: HoldUser, id_: UUID, is_disconnected: DisconnectCheck) -> CommandResult:
        result = await self._send(ReleaseHold, user, id_, is_disconnected)
        self._open_holds.ended(user.hold_id)
        return result

    async def _send(self, kind: type[HoldCommand], user: HoldUser, id_: UUID, is_disconnected: DisconnectCheck) -> CommandResult:
        command = kind(id=id_, actor=user.actor, event_id=user.held_by.event_id, hold_id=user.hold_id)
        return await self._as_owner(user, self._write_side.command_service.execute(command, is_disconnected))

    async def _as_owner(self, user: HoldUser, sent: Awaitable[CommandResult]) -> CommandResult:
        """The result of a command about a hold. Raises Busy if another process has made the hold somebody else's: sent again, who
        may use it is asked anew."""
        try:
            return await sent
        except HoldTakenOver as taken:
            self._open_holds.taken_over(user.hold_id, taken.customer_id)
            raise Busy from None

    def _room(self, *limits: tuple[UUID | str, int], weight: int = 1) -> AbstractAsyncContextManager[Reservation]:
        self._write_side.check_holds_on()
        return self._open_holds.reserved(*limits, weight=weight)


def _leave_out(body: HoldConfirmation, name: str, message: str) -> None:
    if getattr(body, name) is not None:
        raise Malformed(NOT_THIS_HOLD, errors=[{"path": name, "message": message}])


def _held(result: CommandResult) -> HoldView:
    assert isinstance(result.view, HoldView)
    return result.view


def holds_of(request: Request) -> Holds:
    holds: Holds = request.app.state.holds
    return holds
