"""The errors of commands and queries: one class per rule, named after it.

Here, and in the other modules `errors`, each class is a problem (RFC 9457) that `app/problems.py` responds with. The first
paragraph of its docstring explains it to clients: what happened and what to do. The keyword arguments of an error are facts
that a program needs to react (`available`, `limit`); its text is for people.
"""

import re
from typing import Any, ClassVar


class SeatledgerError(Exception):
    """A refusal. `detail` is a sentence for people; `facts` are plain JSON values.

    `http_status` of its response is inherited; `title` is the name of the class in words, unless it says otherwise.
    """

    http_status: ClassVar[int]
    title: ClassVar[str]

    def __init_subclass__(cls, *, status: int | None = None, title: str | None = None) -> None:
        super().__init_subclass__()
        if status is not None:
            cls.http_status = status
        cls.title = title or " ".join(words_of(cls)).capitalize()

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


def words_of(error: type[SeatledgerError]) -> list[str]:
    """`SoldOut` is `["sold", "out"]`."""
    return [word.lower() for word in re.findall("[A-Z][a-z]*", error.__name__)]


class RuleBroken(SeatledgerError, status=409):
    """A rule forbids the command. Nothing was written."""


class NotFound(SeatledgerError, status=404):
    """The object does not exist, or the actor may not see it."""


class Malformed(SeatledgerError, status=422, title="Malformed request"):
    """The request is not valid: `errors` lists where and why.

    Each of `errors` is `{path, message}`.
    """


class EventNotFound(NotFound, title="No such event"):
    """No event has this id."""

    def __init__(self) -> None:
        super().__init__("There is no event with this id.")


class BookingNotFound(NotFound, title="No such booking"):
    """No booking has this id, or you may not see it."""

    def __init__(self) -> None:
        super().__init__("There is no booking with this id, or it is not yours.")


class EntryNotFound(NotFound, title="No such entry"):
    """The ledger has no entry at this position: positions can have gaps."""

    def __init__(self) -> None:
        super().__init__("There is no entry at this position: positions may skip.")


class EntryAltered(SeatledgerError, status=500):
    """The database contains an entry that Seatledger did not write, or its read tables do not match the entries.
    `python -m projections verify` gives details."""

    def __init__(self, position: int) -> None:
        detail = (
            f"The entry at position {position}, or what is stored about it, is not what Seatledger wrote: nothing is signed for it."
        )
        super().__init__(detail, position=position)


class EventUnreadable(SeatledgerError, status=503, title="Event can't be read"):
    """The entry at `position` of the ledger can't be decoded. Nothing was changed. `python -m projections verify` gives
    details."""

    def __init__(self, position: int) -> None:
        super().__init__(
            "An entry of this event can't be read: until it is repaired, the event can't be sold or changed. Nothing happened.",
            position=position,
        )


class EventSealed(SeatledgerError, status=503):
    """The entry at `position` of the ledger was not written by Seatledger. Nothing was changed. See `docs/runbook.md`."""

    def __init__(self, position: int) -> None:
        super().__init__(
            "An entry of this event was not written by Seatledger: until it is removed, the event can't be sold or changed, nor its"
            " tickets checked in. Nothing happened.",
            position=position,
        )


class NotYourEvent(SeatledgerError, status=403):
    """Only its organizer or an admin may change an event, sell its tickets or check them in."""

    def __init__(self) -> None:
        super().__init__("Only the event's organizer or an admin may do this.")


class SoldOut(RuleBroken):
    """Fewer seats are available than you requested: see `available`. Book fewer, or choose another category.

    `held`: seats that others hold at the moment, who may give them back.
    """

    def __init__(self, category: str, available: int, held: int = 0) -> None:
        super().__init__(seats_left(category, available, held), category=category, available=available, held=held)


def seats_left(category: str, available: int, held: int) -> str:
    left = "no seats are" if available == 0 else f"only {available} seat{'s are' if available != 1 else ' is'}"
    others = f" {held} {'are' if held != 1 else 'is'} held by others and may come back." if held else ""
    return f"In {category}, {left} left.{others}"


class PriceChanged(RuleBroken):
    """The tickets cost `total_amount` in total now, not the `expected_total` that you sent. Nothing was booked.

    `total_amount` is a decimal string.
    """

    def __init__(self, total_amount: str, currency: str) -> None:
        super().__init__(f"The price has changed: it is {total_amount} {currency} in total now.", total_amount=total_amount)


class CustomerLimit(RuleBroken, title="Limit reached"):
    """A customer may hold at most `limit` tickets for this event, and this customer holds `held`.

    `held`: the number of the customer's tickets of this event that are not cancelled, and of the seats that are held for them.
    """

    def __init__(self, limit: int, held: int) -> None:
        super().__init__(
            f"A customer may hold {limit} ticket{'s' if limit != 1 else ''} of this event and this one holds {held}.",
            limit=limit,
            held=held,
        )


class GuestCheckoutOff(SeatledgerError, status=403, title="No guests"):
    """Tickets of this event are booked with an account. Log in, or sign up."""

    def __init__(self) -> None:
        super().__init__("This event is booked with an account: log in.")


class EmailUnverified(SeatledgerError, status=403, title="E-mail address not proven"):
    """Prove the address of `contact` first: `POST /api/contacts/verify` mails a code, `POST /api/contacts/confirm` exchanges it
    for the `proof` to send. It holds for an hour, in the same browser."""

    def __init__(self) -> None:
        super().__init__("Prove the e-mail address first, by the code that is mailed to it.")


class BookingTooLarge(RuleBroken):
    """One booking has at most `limit` tickets. Split it into several bookings."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"One booking holds at most {limit} tickets: split it.", limit=limit)


class EventNotBookable(RuleBroken):
    """The event is past, cancelled or completed (see `reason`), which does not allow what you asked for.

    The state forbids booking, changing, cancelling, completing or checking in.
    """

    TEXT: ClassVar = {
        "past": "The event has started, and its sales have ended.",
        "cancelled": "The event is cancelled.",
        "completed": "The event is completed.",
    }

    def __init__(self, reason: str) -> None:
        super().__init__(self.TEXT[reason], reason=reason)


class NotOnSale(RuleBroken):
    """Sales have not opened yet (`opens_at`), or have closed (`closed_at`).

    `opens_at` and `closed_at` are RFC 3339 times, one of them set.
    """

    def __init__(self, *, opens_at: str | None = None, closed_at: str | None = None) -> None:
        detail = f"Sales open at {opens_at}." if opens_at else f"Sales closed at {closed_at}."
        super().__init__(detail, opens_at=opens_at, closed_at=closed_at)


class AlreadyCancelled(RuleBroken):
    """There is nothing left to cancel."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} is already cancelled.")


class TicketAlreadyUsed(RuleBroken):
    """The ticket was already used for entry. It can't be used again or cancelled.

    `used_at`, an RFC 3339 time, if it is known.
    """

    def __init__(self, **facts: Any) -> None:
        super().__init__("The ticket was already used for entry.", **facts)


class TicketCancelled(RuleBroken):
    """The ticket, or its event, was cancelled."""

    def __init__(self) -> None:
        super().__init__("The ticket is cancelled.")


class WrongEvent(RuleBroken, title="Ticket for another event"):
    """The code belongs to a ticket for another event."""

    def __init__(self) -> None:
        super().__init__("This ticket is for another event.")


class CapacityBelowTaken(RuleBroken, title="Capacity below seats taken"):
    """A category can't have fewer seats than are `taken` and `held`. Cancel bookings first; holds end by themselves."""

    def __init__(self, category: str, taken: int, held: int = 0) -> None:
        also = f" and {held} held" if held else ""
        detail = f"{taken} seats of {category} are taken{also}: its capacity can't be lower."
        super().__init__(detail, category=category, taken=taken, held=held)


class PoolBelowTaken(RuleBroken, title="Pool below seats taken"):
    """The categories of a pool can't share fewer seats than are `taken` and `held` of them. Cancel bookings first; holds end by
    themselves."""

    def __init__(self, pool: str, taken: int, held: int) -> None:
        also = f" and {held} held" if held else ""
        seats = f"{taken} seat{'s' if taken != 1 else ''} of the categories of {pool} {'are' if taken != 1 else 'is'} taken"
        detail = f"{seats}{also}: they can't share fewer."
        super().__init__(detail, pool=pool, taken=taken, held=held)


class CategoryInUse(RuleBroken):
    """A category that ever had a booking or a hold can't be removed. Set its capacity to the number of seats taken instead."""

    def __init__(self, category: str) -> None:
        super().__init__(f"{category} has been sold: it can't be removed.", category=category)


class StaleVersion(SeatledgerError, status=412, title="Event changed meanwhile"):
    """Somebody else changed the event after you read it. Read it again and apply your change to the new version.

    `details_version`: the present one.
    """

    def __init__(self, details_version: int) -> None:
        super().__init__("The event was changed meanwhile: read it again.", details_version=details_version)


class PreconditionRequired(SeatledgerError, status=428, title="If-Match missing"):
    """Send the ETag of the event that you read as If-Match, so that no edit is lost."""

    def __init__(self) -> None:
        super().__init__("Send If-Match with the ETag of the event that you read.")


class IdempotencyKeyReused(Malformed, title="Idempotency-Key reused"):
    """A key identifies one request with one body. Use a new key for a new request."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for a request with another body.")


class InvalidCode(Malformed, title="Not a ticket code"):
    """Seatledger did not issue this code: it was mistyped or forged."""

    def __init__(self) -> None:
        super().__init__("This is not a ticket code of Seatledger.")


class OpenDate(RuleBroken):
    """The event has no date yet, so there is nothing for a calendar."""

    def __init__(self) -> None:
        super().__init__("The event has no date yet.")


class TokenUnknown(Malformed, title="No such link"):
    """A link of a mail works as a whole only: part of it is missing, or it is for something else. Open it from the mail again."""

    def __init__(self) -> None:
        super().__init__("This link is not complete, or is none of Seatledger's. Open it from the mail again.")


class RetryableError(SeatledgerError, status=503):
    """A retry after `retry_after_seconds` may succeed."""

    retry_after_seconds = 1


class StillComputing(RetryableError):
    """The statistics as of `position` are computed in the background. Ask again after `Retry-After` seconds."""

    retry_after_seconds = 2

    def __init__(self, position: int) -> None:
        super().__init__(f"The statistics as of position {position} are still being computed. Try again.", position=position)


class TooManyRequests(RetryableError, status=429):
    """Your account or your address has sent too many commands in this minute. Nothing was changed. Try again after
    `Retry-After` seconds."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("Too many commands in a minute; nothing happened. Wait a little.")
        self.retry_after_seconds = retry_after_seconds


class TooManyStreams(RetryableError, status=429):
    """Too many live streams are open from your address. Close some, and try again after `Retry-After` seconds."""

    retry_after_seconds = 15

    def __init__(self) -> None:
        super().__init__("Too many live streams are open from your address. Close some.")


class Busy(RetryableError):
    """A limit was reached, or the database is unavailable. Nothing was changed. Try again after `Retry-After` seconds."""

    def __init__(self, detail: str = "Too much to do at the moment; nothing happened. Try again.") -> None:
        super().__init__(detail)


class OutcomeUnknown(RetryableError):
    """The command may or may not have been executed. Send it again with the same Idempotency-Key: it is not executed twice."""

    def __init__(self) -> None:
        super().__init__("It is not known whether this happened. Try again with the same Idempotency-Key.")


class StaleRead(RetryableError, title="Read side behind"):
    """The read side has not reached your Ledger-Position yet. Try again after `Retry-After` seconds."""

    def __init__(self) -> None:
        super().__init__("The read side has not caught up with your Ledger-Position yet. Try again.")


class PositionBeyondHead(Malformed, title="Position beyond the ledger"):
    """Ledger-Position is greater than the position of the newest entry (`head`): it is from another system."""

    def __init__(self, head: int) -> None:
        super().__init__(f"The ledger's head is at position {head}: there is nothing at yours.", head=head)
