"""The due holds that a command lets lapse, because they stand in its way. Pure."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ledger import entries as e
from ledger.code_batches import CodeBatch
from ledger.event import Event
from ledger.holds import Hold
from ledger.rules import Stamp


class Left(NamedTuple):
    """How many seats can be had, and how many others hold."""

    seats: int
    held: int


class Lapses:
    """The due holds that stand in a command's way, and have to lapse. Whether a command is accepted depends on those that are due,
    never on whether a worker has let them lapse already."""

    __slots__ = ("_due", "_event", "_kept", "_now")

    def __init__(self, event: Event, now: datetime, kept: bytes = b"") -> None:
        """`kept`: the id of a hold that does not lapse."""
        self._event, self._now, self._kept = event, now, kept
        self._due: dict[bytes, Hold] = {}

    def free_seats(self, categories: Sequence[int], missing: int) -> int:
        """Lets due holds lapse until this number of seats of the categories is free by them, or there is none left; returns how
        many are."""
        ends, now, holds = self._event.hold_ends, self._now, self._event.holds
        due = (found for category in categories for found in ends.due(category, now, holds))
        return self._free(due, lambda hold: sum(hold.seats.count(category) for category in categories), missing)

    def free_tickets(self, customers: set[bytes], missing: int) -> int:
        """Likewise for the tickets that these customers hold."""
        due = self._event.hold_ends.all_due(self._now, self._event.holds)
        return self._free(due, lambda hold: len(hold.seats) if hold.customer in customers else 0, missing)

    def free_uses(self, code: bytes, batch: CodeBatch, missing: int) -> int:
        """Likewise for the tickets that are held with this promo code of the batch."""
        due = self._event.hold_ends.all_due(self._now, self._event.holds)
        return self._free(due, lambda hold: batch.tickets(hold.seats) if hold.code == code else 0, missing)

    def _free(self, due: Iterable[tuple[bytes, Hold]], count: Callable[[Hold], int], missing: int) -> int:
        """Lets those of the due holds lapse that count, as long as there is something missing; returns what all count."""
        freed = sum(map(count, self._due.values()))
        if freed < missing:
            for id_, hold in due:
                if (counted := count(hold)) and id_ not in self._due and id_ != self._kept:
                    self._due[id_] = hold
                    freed += counted
                    if freed >= missing:
                        break
        return freed

    def left(self, categories: Sequence[int], wanted: int, free: int, held: int) -> Left:
        """What can be had of these categories, which have that many free and held seats, once the due holds have lapsed that are in
        the way of the wanted number."""
        freed = self.free_seats(categories, wanted - free) if wanted > free else 0
        return Left(free + freed, held - freed)

    def entries(self, stamp: Stamp) -> list[e.Entry]:
        """Their entry, which comes before those of the command; none if nothing has to lapse."""
        if not self._due:
            return []
        return [e.HoldsLapsed(**{**stamp, "actor": None}, hold_ids=tuple(UUID(bytes=id_) for id_ in self._due))]
