"""The server's HTTP protocol: uvicorn's, with three changes.

*All bytes that one iteration of the event loop writes are sent together at its end.* uvicorn writes a response's head and body
separately, and uvloop passes each to the kernel at once. After an append many responses are ready at the same moment: with a tenth
of a millisecond of our work between them, each would wake a client that had just gone to sleep (docs/decisions/0010).

*A request must arrive within REQUEST_TIMEOUT_SECONDS*, to its last byte. For the first one of a connection the time is counted from
the opening of the connection, for each later one from its first byte. A slow client can't hold a connection open.

*What a client may send before it is answered is bounded*: a head of HEAD_LIMIT_BYTES with HEAD_LIMIT_FIELDS fields, MAX_PIPELINED
requests, and connections by address (`app/connections.py`). What is too large is refused in slices, before the rest is parsed.
"""

import asyncio
from typing import Any, ClassVar, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app import problems
from app.connections import ConnectionLimiter
from app.draining import Draining

#: The largest request is 64 KiB: a client that needs longer for it is too slow to be served.
REQUEST_TIMEOUT_SECONDS = 10.0
#: Past this a connection is flushed at once: a streamed response has bounds of its own.
BUFFER_BYTES = 64 * 1024
#: Of a request's head: its first line and its fields. Browsers and proxies send some 2 KiB with 20 fields.
HEAD_LIMIT_BYTES = 16 * 1024
HEAD_LIMIT_FIELDS = 100
#: Requests of one connection that wait for the response to an earlier one. Neither browsers nor proxies send any.
MAX_PIPELINED = 64
#: How long what a refused client sends is still read.
REFUSED_SECONDS = 1.0


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

    def write_eof(self) -> None:
        self.flush()
        self._transport.write_eof()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _flush_all(buffering: list[BufferedTransport]) -> None:
    ready = buffering.copy()
    buffering.clear()
    for transport in ready:
        transport.flush()


class HeadTooLarge(Exception):
    """The head of a request has too many bytes or fields."""


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a BufferedTransport, a deadline for each request, and bounds. While `draining`, each response closes
    its connection."""

    request_timeout_seconds = REQUEST_TIMEOUT_SECONDS
    _incomplete = False
    _deadline: asyncio.TimerHandle | None = None
    #: While a head arrives: its bytes so far; and whether the piece that is being parsed is of this head alone.
    _in_head, _head_bytes, _is_head_alone = False, 0, True
    _is_refused = False

    def __init__(
        self, *args: Any, draining: Draining | None = None, connection_limiter: ConnectionLimiter | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._draining = draining or Draining()
        self._connection_limiter = connection_limiter or ConnectionLimiter(0, "")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, BufferedTransport(transport, self.loop)))
        self._start_deadline()
        self._counted_as = self._connection_limiter.add(self.client)
        if self._counted_as is None:
            self._refuse("too-many-connections")

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection_limiter.remove(self._counted_as)
        self._cancel_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        while data and not self._is_refused:
            # Nearly always all of it. Where it is less, what follows is not parsed if this is too large already.
            room = HEAD_LIMIT_BYTES - self._head_bytes
            piece, data = (data, b"") if len(data) <= room else (data[:room], data[room:])
            self._parse(piece)
        if self._incomplete and self._deadline is None:
            self._start_deadline()

    def _parse(self, piece: bytes) -> None:
        """Of a head that begins within `piece`, behind another request, the bytes are counted from the next piece on."""
        self._is_head_alone = True
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:  # there is no other protocol to change to: it is answered as any other
            self.cycle.keep_alive = False
        except httptools.HttpParserError as error:
            self._refuse("head-too-large" if isinstance(error.__context__, HeadTooLarge) else "not-http")
            return
        if self._in_head and self._is_head_alone:
            self._head_bytes += len(piece)
            if self._head_bytes >= HEAD_LIMIT_BYTES:
                self._refuse("head-too-large")
        if len(self.pipeline) > MAX_PIPELINED:
            self._refuse("too-many-connections")

    def _refuse(self, slug: str) -> None:
        """Responds with this problem, unless another response is in progress, and closes the connection. It is not reset while its
        client is still sending, for REFUSED_SECONDS, or the client might not see the response. What it sends is not parsed."""
        self._is_refused = True
        self._cancel_deadline()
        self._deadline = self.loop.call_later(REFUSED_SECONDS, self.transport.close)
        if bool(self.cycle) and not self.cycle.response_complete:
            self.transport.close()
        else:
            self.transport.write(problems.raw_response(slug))
            self.transport.write_eof()

    def on_message_begin(self) -> None:
        self._incomplete = self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head, self._head_bytes, self._is_head_alone = False, 0, False
        if len(self.headers) > HEAD_LIMIT_FIELDS:
            raise HeadTooLarge
        super().on_headers_complete()
        if self._draining.has_begun and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self._incomplete = self._is_head_alone = False
        self._cancel_deadline()
        super().on_message_complete()

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(self.request_timeout_seconds, self.transport.close)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
