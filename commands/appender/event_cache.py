"""The event cache of the write side. An Event that is removed has to be loaded again: that costs time, never a wrong result."""

from collections import OrderedDict
from collections.abc import Collection
from uuid import UUID

from ledger.event import Event


class EventCache:
    """Least-recently-used cache, whose size in bytes `trim` bounds. The Events of the batch, and the one used last, always stay."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._events: OrderedDict[UUID, Event] = OrderedDict()
        self._weights: dict[UUID, int] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    def get(self, stream: UUID) -> Event | None:
        event = self._events.get(stream)
        if event is not None:
            self._events.move_to_end(stream)
        return event

    def put(self, event: Event) -> None:
        self._events[event.id] = event
        self._events.move_to_end(event.id)
        weight = event.weight_bytes()
        self.bytes += weight - self._weights.get(event.id, 0)
        self._weights[event.id] = weight

    def drop(self, stream: UUID) -> Event | None:
        self.bytes -= self._weights.pop(stream, 0)
        return self._events.pop(stream, None)

    def clear(self) -> None:
        self._events.clear()
        self._weights.clear()
        self.bytes = 0

    @property
    def overfull(self) -> bool:
        return self.bytes > self._limit_bytes and len(self._events) > 1

    def trim(self, spare: Collection[UUID]) -> None:
        """Removes the least recently used Events until the rest fits, except those to `spare`, which are about to be used."""
        if not self.overfull:
            return  # the usual case
        excess, left, removed = self.bytes - self._limit_bytes, len(self._events), []
        for stream in self._events:
            if excess <= 0 or left == 1:
                break
            if stream not in spare:
                removed.append(stream)
                excess -= self._weights[stream]
                left -= 1
        for stream in removed:
            self.drop(stream)
