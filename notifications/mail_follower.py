"""The follower of mail: writes the outbox's rows about entries. See `follower.py`."""

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine, text

from ledger import entries as e
from ledger import outbox
from ledger.details import Details
from ledger.entries import RecordedEntry
from ledger.errors import EventSealed
from ledger.mapper import UnknownTopic
from ledger.store import Ledger
from notifications import follower
from notifications.event_details import details_before
from notifications.follower import NotTellable
from notifications.messages import messages_of
from projections.engine import describe

log = logging.getLogger(__name__)

NAME = "mail"
#: The projections from which a mail is made: it tells about an entry once both have folded it.
_FOLLOWED: tuple[str, ...] = ("bookings", "catalogue")
_NOBODY = (b"", b"", 0)

_BOOKERS = text("SELECT booking_id, customer_id FROM bookings WHERE booking_id = ANY(:ids)")
_AUDIENCE = text("""
    SELECT DISTINCT customer_id FROM bookings
    WHERE event_id = :event_id AND number < :before AND status = 'confirmed' AND customer_id IS NOT NULL""")
#: Where a projection has set the Event aside, its read tables lack what came after: then the ledger is asked.
_IS_SET_ASIDE = text("SELECT EXISTS (SELECT FROM set_aside WHERE event_id = :event_id AND name = ANY(:names))")


def advance(engine: Engine, ledger: Ledger, **more: Any) -> int:
    """See `follower.advance`."""
    return follower.advance(engine, ledger, _Mail(), **more)


def skip(connection: Connection) -> int | None:
    """See `follower.skip`."""
    return follower.skip(connection, NAME)


class _Mail:
    name, noun, follows = NAME, "mails", _FOLLOWED

    def has_listeners(self, connection: Connection) -> bool:
        return True

    def teller(self, connection: Connection, ledger: Ledger, batch: Collection[RecordedEntry], now: datetime) -> "_MailTeller":
        return _MailTeller(connection, _CustomersInReadTables(connection, ledger, batch), now)


class _MailTeller:
    def __init__(self, connection: Connection, customers: "_CustomersInReadTables", now: datetime) -> None:
        self._connection, self._customers, self._now = connection, customers, now
        self._messages = list[outbox.Message]()

    def tell(self, recorded: RecordedEntry) -> None:
        self._messages += messages_of(recorded, self._customers, self._now)

    def write(self) -> None:
        outbox.insert(self._connection, self._messages)


class _CustomersInReadTables:
    """Customers as the read tables have them, which are at least as far as the entries of the batch."""

    def __init__(self, connection: Connection, ledger: Ledger, batch: Collection[RecordedEntry]) -> None:
        self._connection, self._ledger = connection, ledger
        ids = [recorded.entry.booking_id for recorded in batch if isinstance(recorded.entry, e.BookingCancelled)]
        self._bookers: Mapping[UUID, UUID | None] = dict(connection.execute(_BOOKERS, {"ids": ids}).all()) if ids else {}

    def of_booking(self, event_id: UUID, booking_id: UUID) -> UUID | None:
        if booking_id in self._bookers:
            return self._bookers[booking_id]
        customer, _, _ = self._bookings_in_ledger(event_id).get(booking_id.bytes, _NOBODY)
        return UUID(bytes=customer) if customer else None

    def of_event(self, event_id: UUID, before: int) -> Collection[UUID]:
        if self._connection.scalar(_IS_SET_ASIDE, {"event_id": event_id, "names": list(_FOLLOWED)}):
            customers = {customer for customer, _, _ in self._bookings_in_ledger(event_id).values() if customer}
            return [UUID(bytes=customer) for customer in sorted(customers)]
        return self._connection.scalars(_AUDIENCE, {"event_id": event_id, "before": before}).all()

    def details_before(self, event_id: UUID, version: int) -> Details:
        return details_before(self._connection, self._ledger, event_id, version)

    def _bookings_in_ledger(self, event_id: UUID) -> dict[bytes, tuple[bytes, bytes, int]]:
        try:
            event = self._ledger.current_event(event_id)
        except EventSealed as error:
            log.warning("Customers of event %s are not told: %s", event_id, error)
            return {}
        except (UnknownTopic, msgspec.MsgspecError) as error:
            raise NotTellable(describe(error)) from error
        assert event is not None, "an entry of it was read"
        return cast("dict[bytes, tuple[bytes, bytes, int]]", event.bookings)
