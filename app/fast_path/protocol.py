"""The server's HTTP protocol: uvicorn's, with four changes.

*All bytes that one iteration of the event loop writes are sent together at its end.* uvicorn writes a response's head and body
separately, and uvloop passes each to the kernel at once. After an append many responses are ready at the same moment: with a tenth
of a millisecond of our work between them, each would wake a client that had just gone to sleep (docs/decisions/0010).

*A request must arrive within REQUEST_TIMEOUT_SECONDS*, to its last byte. For the first one of a connection the time is counted from
the opening of the connection, for each later one from its first byte. A slow client can't hold a connection open.

*A client must take what is sent to it*: one that takes nothing of a response for STALLED_SECONDS is disconnected. A live stream
that has nothing to send is not concerned.

*What a client may send before it is answered is bounded*: a head of HEAD_LIMIT_BYTES with HEAD_LIMIT_FIELDS fields, as much beside
the data of a body in chunks (extensions and trailers, which nobody reads), MAX_PIPELINED requests, and connections by address
(`app/connections.py`). What is too large is refused in slices, before the rest is parsed.
"""

import asyncio
import fcntl
import logging
import socket
import sys
import termios
from contextlib import suppress
from typing import Any, ClassVar, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app import problems
from app.connections import ConnectionLimiter
from app.draining import Draining

log = logging.getLogger(__name__)

#: The largest request is 64 KiB: a client that needs longer for it is too slow to be served.
REQUEST_TIMEOUT_SECONDS = 10.0
#: Past this a connection is flushed at once: a streamed response has bounds of its own.
BUFFER_BYTES = 64 * 1024
#: Of a request's head: its first line and its fields. Browsers and proxies send some 2 KiB with 20 fields.
HEAD_LIMIT_BYTES = 16 * 1024
HEAD_LIMIT_FIELDS = 100
#: Bytes of each chunk's framing that are not counted: its length, and two ends of a line.
CHUNK_FRAMING_BYTES = 12
#: Two of one name could be read differently by a proxy and by us. HTTP allows one.
SENT_ONCE = (b"host", b"authorization", b"content-type", b"idempotency-key")
#: Requests of one connection that wait for the response to an earlier one. Neither browsers nor proxies send any.
MAX_PIPELINED = 8
#: A client that takes nothing of what is to be sent for this time is disconnected.
STALLED_SECONDS = 30.0
#: How long what a refused client sends is still read.
REFUSED_SECONDS = 1.0


class BufferedTransport:
    """A connection's transport that buffers what is written until the current iteration of the event loop ends."""

    __slots__ = ("_loop", "_parts", "_size_bytes", "_stalled", "_stalled_seconds", "_transport", "_written_bytes")
    #: The transports of all connections that have buffered bytes: the iteration ends for all of them at once.
    _buffering: ClassVar[list[Any]] = []

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, stalled_seconds: float = STALLED_SECONDS
    ) -> None:
        self._transport, self._loop, self._stalled_seconds = transport, loop, stalled_seconds
        self._parts: list[bytes] = []
        self._size_bytes = self._written_bytes = 0
        self._stalled: asyncio.TimerHandle | None = None

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
        """Of a connection that is closed by now, perhaps by its client, what is buffered is dropped: to write would raise."""
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            self._size_bytes = 0
            if not self._transport.is_closing():
                self._written_bytes += len(data)
                self._transport.write(data)

    def close(self) -> None:
        """Once what is written is sent. That is bounded, too."""
        self.flush()
        self._transport.close()
        self.watch_progress()

    def watch_progress(self) -> None:
        """Disconnects a client that takes nothing for STALLED_SECONDS, until it has taken everything. To be called when more is
        written than it takes; an idle stream is not."""
        if self._stalled is None and self._transport.get_write_buffer_size():
            self._stalled = self._loop.call_later(self._stalled_seconds, self._check_progress, self._sent_bytes)

    def stop_watching(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    @property
    def _sent_bytes(self) -> int:
        """What the client has confirmed. The kernel's buffer holds some MB, of which a slow client takes a little at a time."""
        in_kernel = b"\0" * 4
        with suppress(OSError):
            in_kernel = fcntl.ioctl(self._transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, in_kernel)
        return self._written_bytes - self._transport.get_write_buffer_size() - int.from_bytes(in_kernel, sys.byteorder)

    def _check_progress(self, sent_bytes: int) -> None:
        self._stalled = None
        if self._transport.get_write_buffer_size() and self._sent_bytes == sent_bytes:
            self._transport.abort()
        else:
            self.watch_progress()

    def write_eof(self) -> None:
        self.flush()
        if not self._transport.is_closing():
            self._transport.write_eof()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _flush_all(buffering: list[BufferedTransport]) -> None:
    ready = buffering.copy()
    buffering.clear()
    for transport in ready:
        try:
            transport.flush()
        except Exception:  # the responses of all others are still to be sent
            log.exception("A response could not be sent")


def _is_of_internet(transport: asyncio.Transport) -> bool:
    connection = transport.get_extra_info("socket")
    return connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6)


class RefusedHead(Exception):
    """`slug`: of the problem that is the response."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a BufferedTransport, a deadline for each request, and bounds. While `draining`, each response closes
    its connection."""

    request_timeout_seconds, stalled_seconds = REQUEST_TIMEOUT_SECONDS, STALLED_SECONDS
    _incomplete = False
    _deadline: asyncio.TimerHandle | None = None
    #: While a head arrives: its bytes so far; and whether the piece that is being parsed is of this head alone.
    _in_head, _head_bytes, _is_head_alone = False, 0, True
    #: While a body arrives: its bytes so far that are neither data nor needed for it.
    _framing_bytes = 0
    _is_refused = False

    def __init__(
        self, *args: Any, draining: Draining | None = None, connection_limiter: ConnectionLimiter | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._draining = draining or Draining()
        self._connection_limiter = connection_limiter or ConnectionLimiter(0, "")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        self._buffered = BufferedTransport(transport, self.loop, self.stalled_seconds)
        super().connection_made(cast(asyncio.Transport, self._buffered))
        self._start_deadline()
        if self.client is None and _is_of_internet(transport):  # closed already: no limit would know whose its requests are
            self._is_refused, self._counted_as = True, None
            transport.abort()
            return
        self._counted_as = self._connection_limiter.add(self.client)
        if self._counted_as is None:
            self._refuse("too-many-connections")

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection_limiter.remove(self._counted_as)
        self._cancel_deadline()
        self._buffered.stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self._buffered.watch_progress()
        super().pause_writing()

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
            self._refuse(error.__context__.slug if isinstance(error.__context__, RefusedHead) else "not-http")
            return
        if not self._is_head_alone:
            self._framing_bytes = 0
        elif self._in_head:
            self._head_bytes += len(piece)
            if self._head_bytes >= HEAD_LIMIT_BYTES:
                self._refuse("head-too-large")
        elif self._incomplete:
            self._framing_bytes = max(0, self._framing_bytes + len(piece))
            if self._framing_bytes >= HEAD_LIMIT_BYTES:
                self._refuse("not-http")

    def _refuse(self, slug: str) -> None:
        """Responds with this problem, unless another response is in progress or sent, and closes the connection. It is not reset
        while its client is still sending, for REFUSED_SECONDS, or the client might not see the response. What it sends is not
        parsed."""
        self._is_refused = True
        self._cancel_deadline()
        self._deadline = self.loop.call_later(REFUSED_SECONDS, self.transport.close)
        in_body = self._incomplete and not self._in_head
        if bool(self.cycle) and (in_body or not self.cycle.response_complete):
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
            raise RefusedHead("head-too-large")
        if len(self.pipeline) >= MAX_PIPELINED:  # what follows is not parsed
            raise RefusedHead("too-many-connections")  # never sent: another response is in progress
        self._check_fields()
        super().on_headers_complete()
        self.headers = []  # The parser calls `on_header` for trailers, too: they are no part of the head.
        if self._draining.has_begun and self.cycle is not None:
            self.cycle.keep_alive = False

    def _check_fields(self) -> None:
        """Raises RefusedHead."""
        names = {name for name, _ in self.headers}
        if len(names) < len(self.headers):
            given = [name for name, _ in self.headers]
            if any(given.count(name) > 1 for name in SENT_ONCE):
                raise RefusedHead("not-http")
        if b"host" not in names and self.parser.get_http_version() != "1.0":
            raise RefusedHead("not-http")

    def on_chunk_header(self) -> None:
        self._framing_bytes -= CHUNK_FRAMING_BYTES

    def on_body(self, body: bytes) -> None:
        self._framing_bytes -= len(body)
        super().on_body(body)

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
