"""The service that the five APIs call: commands and queries, limited to events and bookings that were made through the same API."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self
from uuid import UUID, uuid4

from fastapi import Request
from starlette.datastructures import State

from accounts.access import Access
from accounts.guests import DEFAULT_ORGANIZER, Guest, Guests
from commands.appender.pending import DisconnectCheck
from commands.bodies import NewCategory, numbered_categories, to_minor_units
from commands.service import MAX_NUMBER
from commands.write_side import WriteSide
from ledger import entries as e
from ledger.commands import (
    Actor,
    BookSeats,
    CancelBooking,
    CancelEvent,
    CategoryChange,
    ChangeEvent,
    Command,
    CompleteEvent,
    Role,
    ScheduleEvent,
    WantedSeats,
)
from ledger.details import Details
from ledger.errors import BookingNotFound, EventNotFound, StaleVersion
from ledger.event import Event, category_id
from ledger.views import BookingView, EventView, TicketView
from query_api import queries
from query_api.queries import EventTotalsRow, GuestBookingRow, GuestEventRow, TicketRow
from query_api.read_side import ReadSide
from query_api.responses.mapping import booking_view, event_view, grouped, views_of

#: The only category of an event whose specification knows none.
SEAT = "Seat"
#: How often an edit is tried where others change the same event at the same time.
EDIT_ATTEMPTS = 5


@dataclass(frozen=True)
class GuestBooking:
    """A booking with what its view lacks: the numbers of its event and guest, and the guest's name."""

    booking: BookingView
    event_number: int
    guest_number: int
    guest_name: str


@dataclass(frozen=True)
class BookingLocation:
    """A booking's Event and guest, for a command that changes the booking."""

    event: Event
    booking_id: UUID
    guest: Guest


class CompatService:
    """Methods raise what `CommandService.execute` and `ReadSide.fetch` raise, and EventNotFound or BookingNotFound for what was
    made through another API."""

    def __init__(self, api: str, request: Request, shared: State) -> None:
        """`shared`: the state of the application, which holds the write side, the read side and the access control."""
        self._api = api
        self._is_disconnected: DisconnectCheck | None = request.is_disconnected
        self._write: WriteSide = shared.write_side
        self._read: ReadSide = shared.read_side
        self.access: Access = shared.access
        self.guests: Guests = self.access.guests(api)

    def ignoring_disconnect(self) -> Self:
        """A copy of the service whose commands are not withdrawn when the client disconnects."""
        other = copy(self)
        other._is_disconnected = None
        return other

    # --- events

    async def schedule_event(
        self, details: Details, categories: list[NewCategory], *, organizer: Guest | None = None, id_: UUID | None = None
    ) -> EventView:
        """Schedules an event of the organizer, or of the API's default organizer."""
        organizer = organizer or await self.guests.find_or_create(DEFAULT_ORGANIZER)
        id_, currency = id_ or uuid4(), self._write.currency
        command = ScheduleEvent(
            id=id_, actor=_organizer(organizer.id), event_id=id_, details=details, currency=currency,
            categories=numbered_categories(categories, currency),
        )  # fmt: skip
        return await self._execute_event_command(command)

    async def change_event(
        self, view: EventView, changes: dict[str, Any], *, price: Decimal | None = None, capacity: int | None = None
    ) -> EventView:
        """Changes the given details, and price and capacity of the first category. The last of several concurrent edits wins."""
        for _ in range(EDIT_ATTEMPTS):
            event = await self._write.command_service.last_seen_event(view.id)
            assert event is not None, "it has a view"
            command = ChangeEvent(
                id=uuid4(), actor=_organizer(event.organizer_id), event_id=event.id, changes=changes,
                categories=_first_changed(event, price, capacity), expected_details_version=event.details_version,
            )  # fmt: skip
            with suppress(StaleVersion):  # raised after a read of the ledger: this process has by now what others changed
                return await self._execute_event_command(command)
        raise StaleVersion(view.details_version)

    async def cancel_event(self, view: EventView) -> EventView:
        command = CancelEvent(id=uuid4(), actor=_organizer(view.organizer_id), event_id=view.id)
        return await self._execute_event_command(command)

    async def complete_event(self, view: EventView) -> EventView:
        command = CompleteEvent(id=uuid4(), actor=_organizer(view.organizer_id), event_id=view.id)
        return await self._execute_event_command(command)

    async def load_event(self, number: int) -> Event:
        """The Event from the ledger, for bookings: it does not wait for the read side."""
        created = await self._write.command_service.entry_by_number(number)
        if created is None or not isinstance(created.entry, e.EventScheduled):
            raise EventNotFound
        return await self.load_event_by_id(created.stream)

    async def load_event_by_id(self, event_id: UUID) -> Event:
        event = await self._write.command_service.last_seen_event(event_id)
        if event is None or not await self._belongs_to_api(event.organizer_id):
            raise EventNotFound
        return event

    def list_events(self, **filters: Any) -> AsyncIterator[list[GuestEventRow]]:
        """See `queries.guests_events`."""
        return self._read.stream_latest_rows(queries.guests_events(self._api, **filters))

    async def get_event(self, **key: Any) -> EventView:
        """The event from the read side. Edits call it too, so they wait for the read side before the command, and not after it."""
        return event_view(await self.get_event_row(**key))

    async def get_event_row(self, **key: Any) -> GuestEventRow:
        if not 0 < key.get("number", 1) <= MAX_NUMBER:
            raise EventNotFound
        rows = await self._read.fetch_latest_rows(queries.guests_events(self._api, **key))
        if not rows:
            raise EventNotFound
        return rows[0]

    # --- bookings

    async def book(
        self,
        event: Event,
        quantity: int,
        guest: Guest | None,
        *,
        category: str = SEAT,
        as_guest: bool = False,
        id_: UUID | None = None,
    ) -> BookingView:
        """Books seats, as the organizer for a guest or a walk-in; `as_guest`: as the guest, to whom sales hours apply."""
        actor = Actor(guest.id, Role.CUSTOMER) if guest and as_guest else _organizer(event.organizer_id)
        command = BookSeats(
            id=id_ or uuid4(), actor=actor, event_id=event.id, tickets=(WantedSeats(category, quantity),),
            customer_id=guest.id if guest and not as_guest else None, ticket_key=self._write.command_service.codes.newest_key,
        )  # fmt: skip
        view = (await self._write.command_service.execute(command, self._is_disconnected)).view
        assert isinstance(view, BookingView)
        return view

    async def locate_booking(self, number: int) -> BookingLocation:
        """From the ledger, for cancelling: it does not wait for the read side."""
        created = await self._write.command_service.entry_by_number(number)
        if created is None or not isinstance(created.entry, e.SeatsBooked):
            raise BookingNotFound
        return await self._locate(created.stream, created.entry.booking_id, created.entry.customer_id)

    async def locate_booking_by_id(self, booking_id: UUID) -> BookingLocation:
        """Not from the cached Event, which may lack another process's newest bookings."""
        shown = await self._read.booking(booking_id, None)
        if shown is None:
            raise BookingNotFound
        return await self._locate(shown.view.event_id, booking_id, shown.view.customer_id)

    async def cancel_booking(self, location: BookingLocation, *, as_guest: bool = False) -> BookingView:
        """Cancels as the organizer; `as_guest`: as the guest, who can't do so after the event has begun."""
        actor = Actor(location.guest.id, Role.CUSTOMER) if as_guest else _organizer(location.event.organizer_id)
        command = CancelBooking(id=uuid4(), actor=actor, event_id=location.event.id, booking_id=location.booking_id)
        view = (await self._write.command_service.execute(command, self._is_disconnected)).view
        assert isinstance(view, BookingView)
        return view

    async def list_bookings(self, **filters: Any) -> AsyncIterator[list[GuestBooking]]:
        """See `queries.guests_bookings`."""
        async for rows in self._read.stream_latest_rows(queries.guests_bookings(self._api, **filters)):
            for some in grouped(rows):
                yield await self._guest_bookings(some)

    async def _guest_bookings(self, rows: Sequence[GuestBookingRow]) -> list[GuestBooking]:
        return await self._read.portions.run(views_of(rows, self._read.codes, _guest_booking))

    async def get_booking(self, **key: Any) -> GuestBooking:
        if not 0 < key.get("number", 1) <= MAX_NUMBER:
            raise BookingNotFound
        rows = await self._read.fetch_latest_rows(queries.guests_bookings(self._api, **key))
        if not rows:
            raise BookingNotFound
        return (await self._guest_bookings(rows[:1]))[0]

    def list_event_totals(self) -> AsyncIterator[list[EventTotalsRow]]:
        """Of the default organizer's events: see `queries.all_event_totals`."""
        return self._read.stream_latest_rows(queries.all_event_totals(self.guests.default_organizer_id, None))

    # ---

    async def _execute_event_command(self, command: Command) -> EventView:
        view = (await self._write.command_service.execute(command, self._is_disconnected)).view
        assert isinstance(view, EventView)
        return view

    async def _locate(self, event_id: UUID, booking_id: UUID, guest_id: UUID | None) -> BookingLocation:
        event = await self._write.command_service.last_seen_event(event_id)
        guest = None if guest_id is None else await self.guests.get(guest_id)
        if event is None or guest is None:
            raise BookingNotFound
        return BookingLocation(event, booking_id, guest)

    async def _belongs_to_api(self, organizer_id: UUID) -> bool:
        return organizer_id == self.guests.default_organizer_id or await self.guests.get(organizer_id) is not None


def single_category(capacity: int, price: Decimal = Decimal()) -> list[NewCategory]:
    """The categories of an event whose specification has no categories: one, named SEAT."""
    return [NewCategory(name=SEAT, price=price, capacity=capacity)]


def _organizer(id_: UUID) -> Actor:
    return Actor(id_, Role.ORGANIZER)


def _first_changed(event: Event, price: Decimal | None, capacity: int | None) -> tuple[CategoryChange, ...] | None:
    """All categories of the event, the first of them changed; None where nothing changes."""
    if price is None and capacity is None:
        return None
    first, *others = (category_id(event.id, number) for number in event.categories)
    change = CategoryChange(first, price=None if price is None else to_minor_units(price, event.currency), capacity=capacity)
    return change, *map(CategoryChange, others)


def _guest_booking(row: GuestBookingRow, stored: list[TicketRow], tickets: list[TicketView]) -> GuestBooking:
    return GuestBooking(booking_view(row, stored, tickets), row.event_number, row.guest_number, row.guest_name)
