"""The result of a command: one function makes it, for the first try and for every retry alike.

BookSeats, ConfirmHold, CancelBooking, CheckIn,
TakePayment, GiveRefund                           the booking, made from the stored entries about it (`History`)
HoldSeats, ExtendHold, ReleaseHold, StartPayment  the hold, likewise
MakeCodes                                         the batch of codes, likewise
every other command                               the Event as of the command's last entry
"""

from collections.abc import Sequence

import msgspec

from ledger.code_views import CodeBatchView, code_batch_view
from ledger.commands import (
    BookSeats,
    CancelBooking,
    CheckIn,
    Command,
    ConfirmHold,
    ExtendHold,
    GiveRefund,
    HoldSeats,
    MakeCodes,
    ReleaseHold,
    StartPayment,
    TakePayment,
)
from ledger.entries import CodesMade, EventDetailsChanged, EventScheduled, RecordedEntry, SeatsBooked, SeatsHeld
from ledger.event import Event
from ledger.hold_views import HoldView, hold_view
from ledger.ticket_codes import TicketCodes
from ledger.views import BookingView, EventView, TicketView, booking_view


class CommandResult(msgspec.Struct, frozen=True):
    """What a command made: the booking, hold or Event as it is shown, and the ledger `position` of the command's last entry."""

    view: EventView | BookingView | HoldView | CodeBatchView
    position: int


class History(msgspec.Struct, frozen=True):
    """The stored entries about one booking or hold up to a command's last entry, its `SeatsBooked` or `SeatsHeld` first; and what
    they do not say: the Event's name at that time and its currency."""

    entries: Sequence[RecordedEntry]
    event_name: str
    currency: str


def make_result(
    last: RecordedEntry, subject: History | EventView, codes: TicketCodes, tickets: list[TicketView] | None = None
) -> CommandResult:
    """The result of the command whose last entry is `last`. `tickets`: as in `booking_view`. Raises KeysError if the key of a
    ticket code is missing."""
    if isinstance(subject, History) and isinstance(subject.entries[0].entry, SeatsHeld):
        return CommandResult(hold_view(subject.entries, subject.event_name, subject.currency), last.position)
    if isinstance(subject, History) and isinstance(subject.entries[0].entry, CodesMade):
        return CommandResult(code_batch_view(subject.entries[0], subject.currency), last.position)
    if isinstance(subject, History):
        return CommandResult(booking_view(subject.entries, subject.event_name, subject.currency, codes, tickets), last.position)
    return CommandResult(subject, last.position)


def count_tickets(subject: History | EventView) -> int:
    """The number of tickets that a result shows."""
    count = 0
    if isinstance(subject, History) and isinstance(booked := subject.entries[0].entry, SeatsBooked):
        for line in booked.lines:
            count += line.quantity
    return count


def subject_versions(command: Command, event: Event, version: int) -> tuple[int, ...]:
    """The versions of the entries that make the `History` of a command whose last entry has this `version`; empty for a command
    about the Event itself."""
    if isinstance(command, BookSeats | HoldSeats | ConfirmHold | MakeCodes):
        return (version,)
    if isinstance(command, ExtendHold | ReleaseHold | StartPayment) and command.hold_id.bytes in event.commands:
        hold = event.holds.get(command.hold_id.bytes)
        started = (event.commands[payment.id] for payment in hold.payments) if hold is not None else ()
        return (event.commands[command.hold_id.bytes], *(at for at in started if at < version), version)
    if isinstance(command, CancelBooking | CheckIn | TakePayment | GiveRefund) and command.booking_id.bytes in event.bookings:
        about = event.versions_about(command.booking_id)
        if event.status == "cancelled":  # nothing changes details later
            about = tuple(sorted((*about, event.details_version)))
        return tuple(of_entry for of_entry in about if of_entry <= version)
    return ()


def stored_history(stored: dict[int, RecordedEntry], versions: Sequence[int], details_version: int) -> History:
    """The history made from stored entries alone. `stored` maps versions to entries and holds `versions`, version 1 and
    `details_version`, which is that of the entry that set the Event's name."""
    scheduled, described = stored[1].entry, stored[details_version].entry
    assert isinstance(scheduled, EventScheduled)
    assert isinstance(described, EventScheduled | EventDetailsChanged)
    return History([stored[version] for version in versions], described.details.name, scheduled.currency)
