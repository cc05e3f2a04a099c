"""Open holds, and in which order they end."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import Any

import msgspec

from ledger.code_batches import CodeUse
from ledger.overlay import Overlay

#: Ends of holds that are not open any more, above as many as are: then all are dropped at once.
MAX_STALE = 1_000


class StartedPayment(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A payment whose provider was asked for this amount, in minor units."""

    id: bytes
    method: str
    amount: int
    payable_until: datetime


class Hold(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Seats that are held. `customer`: the id, or b"" for a walk-in; `seats`: the category number of each; `extensions`: how often
    it was extended; `code`: the key of its promo code, or b"". `payments`: those that were started, by method; `holder`: for whom
    the seats were held at first, if another pays for them."""

    customer: bytes
    seats: bytes
    expires_at: datetime
    extensions: int = 0
    code: bytes = b""
    payments: tuple[StartedPayment, ...] = ()
    holder: bytes = b""

    @property
    def use(self) -> CodeUse | None:
        """Its promo code."""
        return CodeUse.of(self.code) if self.code else None

    def payment_by(self, method: str) -> StartedPayment | None:
        return next((payment for payment in self.payments if payment.method == method), None)

    def is_due(self, now: datetime) -> bool:
        """Whether its time is over, so that it stands in nobody's way."""
        return self.expires_at <= now


class HoldEnds:
    """When the open holds end: for each category a heap of (time, hold id).

    An Event and its trials share it. It may name holds that are not open (ended since, extended, of a trial that was dropped): the
    `holds` of the asking Event say which are. So nothing has to be taken back."""

    def __init__(self, holds: Iterable[tuple[bytes, Hold]] = ()) -> None:
        self._heaps: dict[int, list[tuple[datetime, bytes]]] = {}
        for id_, hold in holds:
            for category in set(hold.seats):
                self._heaps.setdefault(category, []).append((hold.expires_at, id_))
        for heap in self._heaps.values():
            heapify(heap)

    def add(self, id_: bytes, hold: Hold) -> None:
        for category in set(hold.seats):
            heappush(self._heaps.setdefault(category, []), (hold.expires_at, id_))

    def due(self, category: int, now: datetime, holds: dict[bytes, Any] | Overlay) -> Iterator[tuple[bytes, Hold]]:
        """The open holds of seats of this category whose time is over, in the order of their ends; some perhaps twice. The cost is
        that of those that are taken from it, not of all holds."""
        heap = self._heaps.get(category)
        frontier = [(heap[0], 0)] if heap else []
        while frontier:
            (expires_at, id_), place = heappop(frontier)
            if expires_at > now:
                return
            hold = holds.get(id_)
            if hold is not None and hold.expires_at == expires_at:
                yield id_, hold
            assert heap is not None
            for child in (2 * place + 1, 2 * place + 2):
                if child < len(heap):
                    heappush(frontier, (heap[child], child))

    def all_due(self, now: datetime, holds: dict[bytes, Any] | Overlay) -> Iterator[tuple[bytes, Hold]]:
        """As `due`, of all categories, one after the other."""
        for category in self._heaps:
            yield from self.due(category, now, holds)

    def forget_ended(self, holds: dict[bytes, Any]) -> None:
        """Drops what lies before the first open hold; everything that is not open if there is much of it. Not during a trial: what
        ended in it may still be open."""
        for heap in self._heaps.values():
            while heap and ((hold := holds.get(heap[0][1])) is None or hold.expires_at != heap[0][0]):
                heappop(heap)
        if any(len(heap) > 2 * len(holds) + MAX_STALE for heap in self._heaps.values()):
            self.__init__(holds.items())  # type: ignore[misc]
