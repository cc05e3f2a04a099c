"""The server's HTTP protocol: uvicorn's, with two changes.

*All bytes that one iteration of the event loop writes are sent together at its end.* uvicorn writes a response's head and body
separately, and uvloop passes each to the kernel at once. After an append many responses are ready at the same moment: with a tenth
of a millisecond of our work between them, each would wake a client that had just gone to sleep (docs/decisions/0010).

*A request must arrive within REQUEST_TIMEOUT_SECONDS*, to its last byte. For the first one of a connection the time is counted from
the opening of the connection, for each later one from its first byte. A slow client can't hold a connection open.
"""

import asyncio
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.draining import Draining

#: The largest request is 64 KiB: a client that needs longer for it is too slow to be served.
REQUEST_TIMEOUT_SECONDS = 10.0
#: Past this a connection is flushed at once: a streamed response has bounds of its own.
BUFFER_BYTES = 64 * 1024


class BufferedTransport:
    """A connection's transport that buffers what is written until the current iteration of the event loop ends."""

    __slots__ = ("_loop", "_parts", "_size_bytes", "_transport")
    #: The transports of all connections that have buffered bytes: the iteration ends for all of them at once.
    _buffering: ClassVar[list[Any]] = []

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []
        self._size_bytes = 0

    def write(self, data: bytes) -> None:
        if not self._parts:
            if not self._buffering:
                self._loop.call_soon(_flush_all, self._buffering)
            self._buffering.append(self)
        self._parts.append(data)
        self._size_bytes += len(data)
        if self._size_bytes > BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()
            self._size_bytes = 0

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _flush_all(buffering: list[BufferedTransport]) -> None:
    ready = buffering.copy()
    buffering.clear()
    for transport in ready:
        transport.flush()


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a BufferedTransport and a deadline for each request. While `draining`, each response closes its
    connection."""

    request_timeout_seconds = REQUEST_TIMEOUT_SECONDS
    _incomplete = False
    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, draining: Draining | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._draining = draining or Draining()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, BufferedTransport(transport, self.loop)))
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._incomplete and self._deadline is None:
            self._start_deadline()

    def on_message_begin(self) -> None:
        self._incomplete = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self._draining.has_begun and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self._incomplete = False
        self._cancel_deadline()
        super().on_message_complete()

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(self.request_timeout_seconds, self.transport.close)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
