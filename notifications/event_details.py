"""The details of an event as they were at an entry, from the ledger."""

from uuid import UUID

from sqlalchemy import Connection, text

from ledger import entries as e
from ledger.details import Details
from ledger.store import Ledger

_DETAILS_VERSION = text("""
    SELECT originator_version FROM ledger_entries
    WHERE originator_id = :event_id AND originator_version < :version
        AND (topic LIKE 'event-scheduled/%' OR topic LIKE 'event-details-changed/%')
    ORDER BY originator_version DESC LIMIT 1""")


def details_before(connection: Connection, ledger: Ledger, event_id: UUID, version: int) -> Details:
    """The event's details before the entry of that version. Raises EventSealed, LedgerUnavailable."""
    last = connection.scalar(_DETAILS_VERSION, {"event_id": event_id, "version": version})
    assert last is not None, "a stream begins with details"
    return details_at(ledger, event_id, last)


def details_at(ledger: Ledger, event_id: UUID, version: int) -> Details:
    """The details that the entry of that version set. Raises EventSealed, LedgerUnavailable."""
    (recorded,) = ledger.stream(event_id, after=version - 1, until=version)
    assert isinstance(recorded.entry, e.EventScheduled | e.EventDetailsChanged)
    return recorded.entry.details
