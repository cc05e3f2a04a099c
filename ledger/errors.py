"""The errors of commands and queries: one class per rule, named after it. `app/problems.py` maps each to an HTTP response.

The keyword arguments of an error are facts that a program needs to react (`available`, `limit`); its text is for people.
"""

from typing import Any, ClassVar


class SeatledgerError(Exception):
    """A refusal. `detail` is a sentence for people; `facts` are plain JSON values."""

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class RuleBroken(SeatledgerError):
    """A rule of selling forbids the command. Nothing was written."""


class NotFound(SeatledgerError):
    """The object does not exist, or the actor may not see it."""


class Malformed(SeatledgerError):
    """The request is invalid, whatever the state is. `errors` lists each mistake as `{path, message}`."""


class EventNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no event with this id.")


class BookingNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no booking with this id, or it is not yours.")


class EntryNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no entry at this position: positions may skip.")


class EntryAltered(SeatledgerError):
    """The entry in the database is not the one that was written, or was not written with the keys."""

    def __init__(self, position: int) -> None:
        detail = f"The entry at position {position} is not one that Seatledger wrote: nothing is signed for it."
        super().__init__(detail, position=position)


class EventUnreadable(SeatledgerError):
    """An entry of the Event can't be decoded, so its state is unknown. Nothing happened."""

    def __init__(self, position: int) -> None:
        super().__init__(
            "An entry of this event can't be read: until it is repaired, the event can't be sold or changed. Nothing happened.",
            position=position,
        )


class EventSealed(SeatledgerError):
    """An entry of the Event was not written by Seatledger: it has no valid MAC. Nothing happened."""

    def __init__(self, position: int) -> None:
        super().__init__(
            "An entry of this event was not written by Seatledger: until it is removed, the event can't be sold or changed, nor its"
            " tickets checked in. Nothing happened.",
            position=position,
        )


class NotYourEvent(SeatledgerError):
    """The Event belongs to another organizer."""

    def __init__(self) -> None:
        super().__init__("Only the event's organizer or an admin may do this.")


class SoldOut(RuleBroken):
    def __init__(self, category: str, available: int) -> None:
        left = "no seats are" if available == 0 else f"only {available} seat{'s are' if available != 1 else ' is'}"
        super().__init__(f"In {category}, {left} left.", category=category, available=available)


class PriceChanged(RuleBroken):
    """The seats cost another total than the command expects. `total_amount`: what they cost now, a decimal string."""

    def __init__(self, total_amount: str, currency: str) -> None:
        super().__init__(f"The price has changed: it is {total_amount} {currency} in total now.", total_amount=total_amount)


class CustomerLimit(RuleBroken):
    """`held`: the number of the customer's tickets of this event that are not cancelled."""

    def __init__(self, limit: int, held: int) -> None:
        super().__init__(
            f"A customer may hold {limit} ticket{'s' if limit != 1 else ''} of this event and this one holds {held}.",
            limit=limit,
            held=held,
        )


class GuestCheckoutOff(SeatledgerError):
    """The Event takes no bookings of guests."""

    def __init__(self) -> None:
        super().__init__("This event is booked with an account: log in.")


class EmailUnverified(SeatledgerError):
    """A guest's e-mail address must be proven first."""

    def __init__(self) -> None:
        super().__init__("Prove the e-mail address first, by the code that is mailed to it.")


class BookingTooLarge(RuleBroken):
    def __init__(self, limit: int) -> None:
        super().__init__(f"One booking holds at most {limit} tickets: split it.", limit=limit)


class EventNotBookable(RuleBroken):
    """The Event's state forbids booking, changing, cancelling, completing or checking in. `reason` is `past`, `cancelled` or
    `completed`."""

    TEXT: ClassVar = {
        "past": "The event has started, and its sales have ended.",
        "cancelled": "The event is cancelled.",
        "completed": "The event is completed.",
    }

    def __init__(self, reason: str) -> None:
        super().__init__(self.TEXT[reason], reason=reason)


class NotOnSale(RuleBroken):
    """`opens_at` and `closed_at` are RFC 3339 times, one of them set."""

    def __init__(self, *, opens_at: str | None = None, closed_at: str | None = None) -> None:
        detail = f"Sales open at {opens_at}." if opens_at else f"Sales closed at {closed_at}."
        super().__init__(detail, opens_at=opens_at, closed_at=closed_at)


class AlreadyCancelled(RuleBroken):
    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} is already cancelled.")


class TicketAlreadyUsed(RuleBroken):
    """`used_at`, an RFC 3339 time, if it is known."""

    def __init__(self, **facts: Any) -> None:
        super().__init__("The ticket was already used for entry.", **facts)


class TicketCancelled(RuleBroken):
    def __init__(self) -> None:
        super().__init__("The ticket is cancelled.")


class WrongEvent(RuleBroken):
    def __init__(self) -> None:
        super().__init__("This ticket is for another event.")


class CapacityBelowTaken(RuleBroken):
    def __init__(self, category: str, taken: int) -> None:
        super().__init__(f"{taken} seats of {category} are taken: its capacity can't be lower.", category=category, taken=taken)


class CategoryInUse(RuleBroken):
    def __init__(self, category: str) -> None:
        super().__init__(f"{category} has been sold: it can't be removed.", category=category)


class StaleVersion(SeatledgerError):
    """`If-Match` names another version of the details than the present one (`details_version`)."""

    def __init__(self, details_version: int) -> None:
        super().__init__("The event was changed meanwhile: read it again.", details_version=details_version)


class PreconditionRequired(SeatledgerError):
    def __init__(self) -> None:
        super().__init__("Send If-Match with the ETag of the event that you read.")


class IdempotencyKeyReused(Malformed):
    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for a request with another body.")


class InvalidCode(Malformed):
    def __init__(self) -> None:
        super().__init__("This is not a ticket code of Seatledger.")


class OpenDate(RuleBroken):
    """The event has no date yet."""

    def __init__(self) -> None:
        super().__init__("The event has no date yet.")


class TokenUnknown(Malformed):
    """A link of a mail that is not whole, not ours, or for something else."""

    def __init__(self) -> None:
        super().__init__("This link is not complete, or is none of Seatledger's. Open it from the mail again.")


class RetryableError(SeatledgerError):
    """A retry after `retry_after_seconds` may succeed."""

    retry_after_seconds = 1


class StillComputing(RetryableError):
    """An answer takes longer to compute than a request may wait. It is computed in the background, for a retry."""

    retry_after_seconds = 2

    def __init__(self, position: int) -> None:
        super().__init__(f"The statistics as of position {position} are still being computed. Try again.", position=position)


class TooManyRequests(RetryableError):
    """The account or the address has sent too many commands in this minute. Nothing happened."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("Too many commands in a minute; nothing happened. Wait a little.")
        self.retry_after_seconds = retry_after_seconds


class TooManyStreams(RetryableError):
    """The address has too many live streams open."""

    retry_after_seconds = 15

    def __init__(self) -> None:
        super().__init__("Too many live streams are open from your address. Close some.")


class Busy(RetryableError):
    """A queue is full or the database is unavailable. Nothing happened."""

    def __init__(self, detail: str = "Too much to do at the moment; nothing happened. Try again.") -> None:
        super().__init__(detail)


class OutcomeUnknown(RetryableError):
    """The command may have been executed. A retry with the same Idempotency-Key tells."""

    def __init__(self) -> None:
        super().__init__("It is not known whether this happened. Try again with the same Idempotency-Key.")


class StaleRead(RetryableError):
    """The projections of a query did not reach the required position in time."""

    def __init__(self) -> None:
        super().__init__("The read side has not caught up with your Ledger-Position yet. Try again.")


class PositionBeyondHead(Malformed):
    def __init__(self, head: int) -> None:
        super().__init__(f"The ledger's head is at position {head}: there is nothing at yours.", head=head)
