"""The counter that each of the five sells over: commands and queries, as far as its own guests' events and bookings go."""

from collections.abc import AsyncIterator
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self
from uuid import UUID, uuid4

from fastapi import Request
from starlette.datastructures import State

from accounts.access import Access
from accounts.guests import HOUSE, Guest, Guests
from commands.appender.batch import Gone
from commands.bodies import NewCategory, minor, numbered
from commands.routes import WriteSide
from commands.service import MAX_NUMBER
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
from ledger.errors import BookingNotFound, EventNotFound, StaleVersion
from ledger.event import Event, category_id
from ledger.views import BookingView, EventView
from query_api import queries
from query_api.queries import EventTotalsRow, GuestBookingRow, GuestEventRow
from query_api.read_side import ReadSide
from query_api.responses.mapping import booking_view, event_view

#: The only category of an event whose specification knows none.
SEAT = "Seat"
#: Tries of an edit: another one came first.
EDITS = 5


@dataclass(frozen=True)
class Sold:
    """A booking as the read side or a command shows it, and what it has not: the event's number, the guest's, and their name."""

    booking: BookingView
    event_number: int
    guest_number: int
    guest_name: str


@dataclass(frozen=True)
class Place:
    """Where a booking is in the ledger."""

    event: Event
    booking_id: UUID
    guest: Guest


class Counter:
    """All of it raises what `Desk.carry_out` and `ReadSide.fetch` raise, and EventNotFound or BookingNotFound for what was not made
    here."""

    def __init__(self, api: str, request: Request, whole: State) -> None:
        """`whole`: the state of the application that serves `/api`."""
        self._api = api
        self._gone: Gone | None = request.is_disconnected
        self._write: WriteSide = whole.write_side
        self._read: ReadSide = whole.read_side
        self.access: Access = whole.access
        self.guests: Guests = self.access.guests(api)

    def to_the_end(self) -> Self:
        """The same, but what is begun is not withdrawn when the client has gone."""
        other = copy(self)
        other._gone = None
        return other

    # --- events

    async def schedule(
        self, details: e.Details, categories: list[NewCategory], *, organizer: Guest | None = None, id_: UUID | None = None
    ) -> EventView:
        """Put on by the organizer, or by the house."""
        organizer = organizer or await self.guests.find_or_make(HOUSE)
        id_, currency = id_ or uuid4(), self._write.currency
        command = ScheduleEvent(
            id=id_, actor=_organizer(organizer.id), event_id=id_, details=details, currency=currency,
            categories=numbered(categories, currency),
        )  # fmt: skip
        return await self._carry_out_about_event(command)

    async def change(
        self, shown: EventView, changes: dict[str, Any], *, price: Decimal | None = None, capacity: int | None = None
    ) -> EventView:
        """The details that are given, and its first category: whoever comes last wins."""
        for _ in range(EDITS):
            event = await self._write.desk.event(shown.id)
            assert event is not None, "it is shown"
            command = ChangeEvent(
                id=uuid4(), actor=_organizer(event.organizer_id), event_id=event.id, changes=changes,
                categories=_first_changed(event, price, capacity), expected_details_version=event.details_version,
            )  # fmt: skip
            with suppress(StaleVersion):  # which is proved: by now this process has read what others changed, categories included
                return await self._carry_out_about_event(command)
        raise StaleVersion(shown.details_version)

    async def cancel_event(self, shown: EventView) -> EventView:
        command = CancelEvent(id=uuid4(), actor=_organizer(shown.organizer_id), event_id=shown.id)
        return await self._carry_out_about_event(command)

    async def complete_event(self, shown: EventView) -> EventView:
        command = CompleteEvent(id=uuid4(), actor=_organizer(shown.organizer_id), event_id=shown.id)
        return await self._carry_out_about_event(command)

    async def event(self, number: int) -> Event:
        """For bookings: what the ledger says of it, whatever the read side has seen."""
        made = await self._write.desk.made_by(number)
        if made is None or not isinstance(made.entry, e.EventScheduled):
            raise EventNotFound
        return await self.event_by_id(made.stream)

    async def event_by_id(self, event_id: UUID) -> Event:
        event = await self._write.desk.event(event_id)
        if event is None or not await self._is_ours(event.organizer_id):
            raise EventNotFound
        return event

    def events(self, **filters: Any) -> AsyncIterator[list[GuestEventRow]]:
        """See `queries.guests_events`."""
        return self._read.stream_latest_rows(queries.guests_events(self._api, **filters))

    async def one_event(self, **key: Any) -> EventView:
        """For edits too, which so wait for the read side before they begin, and never once they are done."""
        return event_view(await self.event_row(**key))

    async def event_row(self, **key: Any) -> GuestEventRow:
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
        in_person: bool = False,
        id_: UUID | None = None,
    ) -> BookingView:
        """Sold by the house to a guest, or to a walk-in; `in_person`: by the guest, to whom sales hours apply too."""
        actor = Actor(guest.id, Role.CUSTOMER) if guest and in_person else _organizer(event.organizer_id)
        command = BookSeats(
            id=id_ or uuid4(), actor=actor, event_id=event.id, tickets=(WantedSeats(category, quantity),),
            customer_id=guest.id if guest and not in_person else None, ticket_key=self._write.desk.codes.newest_key,
        )  # fmt: skip
        view, _ = await self._write.desk.carry_out(command, self._gone)
        assert isinstance(view, BookingView)
        return view

    async def booking(self, number: int) -> Place:
        """For cancelling it, as `event`."""
        made = await self._write.desk.made_by(number)
        if made is None or not isinstance(made.entry, e.SeatsBooked):
            raise BookingNotFound
        return await self._place(made.stream, made.entry.command, made.entry.customer_id)

    async def booking_by_id(self, booking_id: UUID) -> Place:
        event_id = await self._write.event_of(booking_id)
        # Not from the Event in memory, which another process's bookings may not have reached yet.
        _, (row,) = await self._read.fetch(queries.booking_by_id(booking_id))
        return await self._place(event_id, booking_id, row.customer_id)

    async def cancel(self, place: Place, *, in_person: bool = False) -> BookingView:
        """By the house, or by its guest: who can't once the event has begun."""
        actor = Actor(place.guest.id, Role.CUSTOMER) if in_person else _organizer(place.event.organizer_id)
        command = CancelBooking(id=uuid4(), actor=actor, event_id=place.event.id, booking_id=place.booking_id)
        view, _ = await self._write.desk.carry_out(command, self._gone)
        assert isinstance(view, BookingView)
        return view

    def bookings(self, **filters: Any) -> AsyncIterator[list[GuestBookingRow]]:
        """See `queries.guests_bookings`; `sold` reads a row."""
        return self._read.stream_latest_rows(queries.guests_bookings(self._api, **filters))

    def sold(self, row: GuestBookingRow) -> Sold:
        return Sold(booking_view(row, self._read.codes), row.event_number, row.guest_number, row.guest_name)

    async def one_booking(self, **key: Any) -> Sold:
        if not 0 < key.get("number", 1) <= MAX_NUMBER:
            raise BookingNotFound
        rows = await self._read.fetch_latest_rows(queries.guests_bookings(self._api, **key))
        if not rows:
            raise BookingNotFound
        return self.sold(rows[0])

    def totals(self) -> AsyncIterator[list[EventTotalsRow]]:
        """Of the house's events: see `queries.all_event_totals`."""
        return self._read.stream_latest_rows(queries.all_event_totals(self.guests.house_id, None))

    # ---

    async def _carry_out_about_event(self, command: Command) -> EventView:
        view, _ = await self._write.desk.carry_out(command, self._gone)
        assert isinstance(view, EventView)
        return view

    async def _place(self, event_id: UUID, booking_id: UUID, guest_id: UUID | None) -> Place:
        event = await self._write.desk.event(event_id)
        guest = None if guest_id is None else await self.guests.get(guest_id)
        if event is None or guest is None:
            raise BookingNotFound
        return Place(event, booking_id, guest)

    async def _is_ours(self, organizer_id: UUID) -> bool:
        return organizer_id == self.guests.house_id or await self.guests.get(organizer_id) is not None


def only_seats(capacity: int, price: Decimal = Decimal()) -> list[NewCategory]:
    """The categories of an event whose specification knows none."""
    return [NewCategory(name=SEAT, price=price, capacity=capacity)]


def _organizer(id_: UUID) -> Actor:
    return Actor(id_, Role.ORGANIZER)


def _first_changed(event: Event, price: Decimal | None, capacity: int | None) -> tuple[CategoryChange, ...] | None:
    """All of its categories, the first of them changed; None where nothing is to change."""
    if price is None and capacity is None:
        return None
    first, *others = (category_id(event.id, number) for number in event.categories)
    change = CategoryChange(first, price=None if price is None else minor(price, event.currency), capacity=capacity)
    return change, *map(CategoryChange, others)
