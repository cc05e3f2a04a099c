"""The Events of this process: those in the cache, those being loaded, and what other processes have appended to them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from commands.appender.event_cache import EventCache
from commands.appender.event_loader import EventLoader
from commands.appender.pending import PendingRequest, PendingRequests
from ledger.connection import MISSED_LIMIT
from ledger.entries import EMPTY_STREAM, RecordedEntry, StreamEnd
from ledger.errors import SeatledgerError
from ledger.event import Event
from ledger.evolve import evolve
from ledger.streams import Streams


class EventMemory:
    """Keeps the cached Events up to date, and lets requests wait for the Events that are not in memory."""

    def __init__(self, cache: EventCache, streams: Streams, requests: PendingRequests) -> None:
        self.cache, self._requests = cache, requests
        #: Streams whose load had begun before the ledger went back.
        self._outdated_loads: set[UUID] = set()
        self.loader = EventLoader(streams, self._loaded, self._load_failed)

    async def close(self) -> None:
        await self.loader.close()

    def forget(self) -> None:
        """The ledger went back: drops all Events; those that are being loaded are loaded again."""
        self._outdated_loads.update(self._requests.loading)
        self.cache.clear()

    def end(self, stream: UUID) -> StreamEnd:
        """The end of the stream as of the cached Event; EMPTY_STREAM if it is not cached."""
        event = self.cache.get(stream)
        return event.end if event is not None else EMPTY_STREAM

    def reload(self, requests: Iterable[PendingRequest]) -> None:
        """Begins to load the Events of these requests, unless they are being loaded."""
        for stream in {request.stream for request in requests}:
            if not self._requests.is_loading(stream):
                self._begin_load(stream, None)

    def can_decide(self, request: PendingRequest) -> bool:
        """Whether a command for this stream can be decided now."""
        stream = request.stream
        return not self._requests.is_loading(stream) and (self.cache.get(stream) is not None or request.stream_is_empty)

    def await_load(self, request: PendingRequest) -> None:
        """The request waits until its Event is loaded."""
        if not self._requests.is_loading(request.stream):
            self._begin_load(request.stream, None)
        self._requests.await_load(request)

    def decidable(self, batch: Sequence[PendingRequest]) -> list[PendingRequest]:
        """The unresolved requests of the batch whose Event is not being loaded; the others wait for the load."""
        unresolved = [request for request in batch if not request.future.done()]
        for request in unresolved:
            if self._requests.is_loading(request.stream) and not self._requests.awaits_load(request):
                self._requests.await_load(request)
        return [request for request in unresolved if not self._requests.is_loading(request.stream)]

    def apply(self, missed: Sequence[RecordedEntry]) -> None:
        """Applies entries that other processes have appended. An Event that is far behind is loaded: MISSED_LIMIT entries are the
        most that one statement reads."""
        for recorded in missed:
            if self._requests.is_loading(recorded.stream):  # the load reads this entry, too
                continue
            if recorded.version == self.end(recorded.stream).version + 1:  # a load that has just ended may have read it already
                self.cache.put(evolve(self.cache.get(recorded.stream), recorded))
        for stream, count in Counter(recorded.stream for recorded in missed).items():
            if count >= MISSED_LIMIT and not self._requests.is_loading(stream):
                self._begin_load(stream, self.cache.drop(stream))

    def _begin_load(self, stream: UUID, since: Event | None) -> None:
        self._requests.begin_load(stream)
        self.loader.begin(stream, since)

    def _loaded(self, stream: UUID, event: Event | None) -> None:
        if stream in self._outdated_loads:
            self._outdated_loads.discard(stream)
            self.loader.begin(stream)
            return
        if event is not None and event.version > self.end(stream).version:  # a batch that was in flight may have made it newer
            self.cache.put(event)
        self._requests.end_load(stream, is_empty=event is None)

    def _load_failed(self, stream: UUID, error: Exception) -> None:
        self._outdated_loads.discard(stream)
        self._requests.fail_load(stream, error if isinstance(error, SeatledgerError) else None)
