"""How HTTP is served: uvicorn's own protocol, with two changes.

*What one turn of the event loop writes leaves together at its end.* uvicorn writes a response's head and body one by one, and
uvloop hands each to the kernel at once. After an append many responses are ready at the same moment: with a tenth of a
millisecond of our work between them, each would wake a client that has just gone to sleep again (docs/decisions/0010).

*A request has REQUEST_TIMEOUT_SECONDS to come in*, from its connection's or its own first byte to its last: who drips holds
nothing.
"""

import asyncio
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: 64 KiB that take longer come from nobody whom we could serve.
REQUEST_TIMEOUT_SECONDS = 10.0
#: More than this of one connection is not held back: a response that streams has its own bounds, further down.
BUFFER_BYTES = 64 * 1024


class BufferedTransport:
    """A connection's transport that holds back what is written until the turn of the event loop ends."""

    __slots__ = ("_loop", "_parts", "_size_bytes", "_transport")
    #: Those that hold something back, of all connections: a turn ends for all of them at once.
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
    request_timeout_seconds = REQUEST_TIMEOUT_SECONDS
    _incomplete = False
    _deadline: asyncio.TimerHandle | None = None

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
