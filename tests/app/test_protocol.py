"""The server's HTTP protocol (`app/fast_path/protocol.py`) on a socket: responses are sent in one piece, slow clients are
disconnected."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import pytest
import uvicorn
import uvloop

from app.connections import ConnectionLimiter
from app.fast_path import protocol

Message = MutableMapping[str, Any]
BOUND_SECONDS = 0.3
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"
PIECES = [b"x" * 50_000] * 40
#: More than the kernel buffers.
LONG = b"x" * 20_000_000


class Impatient(protocol.HttpProtocol):
    request_timeout_seconds = stalled_seconds = BOUND_SECONDS


async def echo(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """Echoes the body; `/stream` sends PIECES without waiting, `/long` LONG; `/late` sends the head at once and the body later;
    `/headers` the names of the fields."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    else:
        return
    if scope["path"] == "/headers":
        body = b" ".join(name for name, _ in scope["headers"])
    pieces = PIECES if scope["path"] == "/stream" else [body]
    pieces = [LONG] if scope["path"] == "/long" else pieces
    length = b"%d" % sum(map(len, pieces))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    if scope["path"] == "/late":
        await asyncio.sleep(0.2)
    for number, piece in enumerate(pieces, 1):
        await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(Impatient) as port:
        yield port


@pytest.fixture
def strict_port() -> Iterator[int]:
    """Takes two connections of an address."""
    with serving(partial(protocol.HttpProtocol, connection_limiter=ConnectionLimiter(2, ""))) as port:
        yield port


@contextmanager
def serving(http: Any) -> Iterator[int]:
    config = uvicorn.Config(echo, port=0, http=http, ws="none", loop="uvloop", log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        yield connection


def read_all(connection: socket.socket, length: int) -> bytes:
    got = b""
    while len(got) < length and (more := connection.recv(1 << 16)):
        got += more
    return got


def closed_after(connection: socket.socket) -> float:
    """Seconds until the server closes the connection without a response."""
    began = time.monotonic()
    assert connection.recv(100) == b""
    return time.monotonic() - began


def test_response_is_sent_in_one_piece(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(HEAD + b"\r\n0123456789")
        answer = connection.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n0123456789")


def test_closed_connection_keeps_no_other_response_back() -> None:
    """Two connections write in one iteration; the transport of the first was closed since."""

    async def both() -> bytes:
        loop = asyncio.get_running_loop()
        (ours, theirs), (gone, its_peer) = socket.socketpair(), socket.socketpair()
        transports = [(await loop.create_connection(asyncio.Protocol, sock=one))[0] for one in (gone, ours)]
        buffered = [protocol.BufferedTransport(one, loop) for one in transports]
        for one in buffered:
            one.write(b"response")
        transports[0].abort()
        await asyncio.sleep(0.05)
        buffered[0].write(b"a second one")
        buffered[0].write(b"x" * 2 * protocol.BUFFER_BYTES)
        buffered[0].write_eof()
        buffered[1].write(b", and another")
        await asyncio.sleep(0.05)
        theirs.setblocking(False)
        for one in buffered:
            one.close()
        with theirs, its_peer:
            return theirs.recv(100)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(both()) == b"response, and another"


def test_response_head_does_not_wait_for_the_body(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(HEAD.replace(b"/ ", b"/late ") + b"\r\n0123456789")
        assert connection.recv(1 << 16).endswith(b"\r\n\r\n")
        assert connection.recv(1 << 16) == b"0123456789"


def test_streamed_response_arrives_complete_and_in_order(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        head = connection.recv(10_000, socket.MSG_PEEK).split(b"\r\n\r\n")[0] + b"\r\n\r\n"
        assert read_all(connection, len(head) + 2_000_000) == head + b"".join(PIECES)


def test_pipelined_requests_get_responses_in_order(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(HEAD + b"\r\nfirst 1234" + HEAD + b"\r\nsecond 123")
        answers = read_all(connection, 2 * len(b"HTTP/1.1 200 OK\r\n"))
        while answers.count(b"\r\n\r\n") < 2 or not answers.endswith(b"second 123"):
            answers += connection.recv(1 << 16)
    assert answers.index(b"first 1234") < answers.index(b"second 123")


@pytest.mark.parametrize(
    "begun", [b"", b"POST", HEAD, HEAD + b"\r\n", HEAD + b"\r\n012345678"], ids=lambda begun: f"{len(begun)} bytes"
)
def test_incomplete_request_is_disconnected(begun: bytes, port: int) -> None:
    with connected(port) as connection:
        connection.sendall(begun)
        assert closed_after(connection) < 10 * BOUND_SECONDS


def test_slow_client_does_not_extend_the_deadline(port: int) -> None:
    def drip(connection: socket.socket) -> None:
        for byte in HEAD * 10:
            connection.sendall(bytes((byte,)))
            time.sleep(BOUND_SECONDS / 10)

    began = time.monotonic()
    with connected(port) as connection, pytest.raises(OSError, match=r"reset|[Pp]ipe|abort"):
        drip(connection)
    assert time.monotonic() - began < 20 * BOUND_SECONDS


def test_second_request_has_its_own_deadline(port: int) -> None:
    with connected(port) as connection:
        for _ in range(3):
            connection.sendall(HEAD)
            time.sleep(BOUND_SECONDS / 2)
            connection.sendall(b"\r\n0123456789")
            assert connection.recv(1 << 16).endswith(b"0123456789")
        connection.sendall(b"POST")
        assert closed_after(connection) < 10 * BOUND_SECONDS


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nA: " + b"x" * 17_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 17_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n",
        b"GET / HTTP/1.1\r\nCookie: " + b"a=b; " * 200_000,
    ],
    ids=["field", "address", "fields", "cookies"],
)
@pytest.mark.parametrize("piece_bytes", [1_000, 1 << 20])
def test_too_large_head_is_refused(head: bytes, piece_bytes: int, port: int) -> None:
    with connected(port) as connection:
        with suppress(ConnectionError):  # the server does not read it all
            for start in range(0, len(head), piece_bytes):
                connection.sendall(head[start : start + piece_bytes])
        answer = read_all(connection, 1 << 16)
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b'"type":"/problems/head-too-large"' in answer


@pytest.mark.parametrize("size", [16_383, 16_384])
def test_largest_head_is_exact(size: int, port: int) -> None:
    """Whichever way it is cut into pieces, and after other requests."""
    start, end = HEAD + b"A: ", b"\r\n\r\n"
    head = start + b"x" * (size - len(start) - len(end)) + end
    assert len(head) == size
    for cut in (1, 10_000, size - 1):
        with connected(port) as connection:
            connection.sendall(HEAD + b"\r\n0123456789" + HEAD + b"\r\n01234")
            time.sleep(0.05)
            connection.sendall(b"56789" + head[:cut])
            time.sleep(0.05)
            connection.sendall(head[cut:] + b"0123456789")
            answers = b""
            while answers.count(b"0123456789") < 3:
                more = connection.recv(1 << 16)
                assert more, answers
                answers += more
            assert answers.count(b"HTTP/1.1 200 OK") == 3


def test_large_body_between_heads_is_not_taken_for_one(port: int) -> None:
    request = HEAD.replace(b": 10", b": 40000") + b"\r\n" + b"b" * 40_000
    with connected(port) as connection:
        connection.sendall(request + request + HEAD)
        time.sleep(0.1)
        connection.sendall(b"\r\n0123456789")
        answers = b""
        while not answers.endswith(b"0123456789"):
            more = connection.recv(1 << 16)
            assert more, answers[:100]
            answers += more
    assert answers.count(b"HTTP/1.1 200 OK") == 3


def test_client_that_reads_nothing_is_disconnected(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(10 * BOUND_SECONDS)
        assert len(read_all(connection, len(LONG))) < len(LONG)


def test_client_that_reads_slowly_gets_all(port: int) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # it would take some MB by itself
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(50):
            assert read_all(connection, 10_000)
            time.sleep(BOUND_SECONDS / 5)
        assert len(read_all(connection, len(LONG) - 500_000)) > len(LONG) - 1_000_000


def test_connection_that_is_closing_waits_for_no_client_that_reads_nothing() -> None:
    async def close() -> bool:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        lost = loop.create_future()

        class Made(asyncio.Protocol):
            def connection_lost(self, error: Exception | None) -> None:
                lost.set_result(error)

        transport, _ = await loop.create_connection(Made, sock=ours)
        buffered = protocol.BufferedTransport(transport, loop, BOUND_SECONDS)
        buffered.write(LONG)
        buffered.close()
        with theirs:
            await asyncio.sleep(BOUND_SECONDS / 2)
            was_open = not lost.done()
            await asyncio.wait_for(lost, 20 * BOUND_SECONDS)
        return was_open

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(close())


def test_pipelined_requests_are_bounded(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n" * 1_000)
        with suppress(ConnectionError):
            answers = read_all(connection, 1 << 20)
            assert answers.count(b"HTTP/1.1") <= 1


def test_request_to_upgrade_is_answered_without_a_warning(port: int, caplog: pytest.LogCaptureFixture) -> None:
    for upgrade in (b"websocket", b"h2c"):
        with connected(port) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n")
            answer = read_all(connection, 1 << 16)  # to its end: the connection is closed
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert not caplog.records


def test_what_is_not_http_is_a_problem_without_a_warning(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with connected(port) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01")  # TLS
        answer = read_all(connection, 1 << 16)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b'"type":"/problems/not-http"' in answer
    assert not caplog.records


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"0\r\n", b"X: y\r\n"),
        (b"0\r\nX: ", b"yyyyyyyy"),
        (b"2;", b"a=b;"),
        (b"", b"1;a=bcdefghijklmnopqrst\r\na\r\n"),
    ],
    ids=["trailers", "one trailer", "one extension", "an extension of each chunk"],
)
@pytest.mark.parametrize("piece_bytes", [1_000, 1 << 20])
def test_what_is_no_data_of_a_body_is_bounded(begin: bytes, more: bytes, piece_bytes: int, port: int) -> None:
    """Closed before even 200 KB were parsed, and far before the deadline."""
    sent = CHUNKED + begin + more * (1_000_000 // len(more))
    with connected(port) as connection:
        began = time.monotonic()
        with suppress(ConnectionError):
            for start in range(0, len(sent), piece_bytes):
                connection.sendall(sent[start : start + piece_bytes])
            assert connection.recv(100) == b""
        assert time.monotonic() - began < BOUND_SECONDS * 0.8


def test_small_chunks_are_read(port: int) -> None:
    """As programs send that write JSON piece by piece; with the longest framing that one has reason to use."""
    for chunk, length in ((b"1\r\na\r\n", 1), (b"00002\r\nab\r\n", 2)):
        with connected(port) as connection:
            connection.sendall(CHUNKED)
            for _ in range(4):
                connection.sendall(chunk * 5_000)
            connection.sendall(b"0\r\n\r\n")
            answer = b""
            while not answer.endswith(b"a" if length == 1 else b"b"):
                more = connection.recv(1 << 16)
                assert more, answer[:200]
                answer += more
            while len(answer.split(b"\r\n\r\n", 1)[1]) < 20_000 * length:
                answer += connection.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_trailers_are_no_part_of_the_head(port: int) -> None:
    """Neither of their own request nor of the next one of the connection."""
    head = CHUNKED.replace(b" / ", b" /headers ")
    with connected(port) as connection:
        connection.sendall(head + b"1\r\na\r\n0\r\nX-Forwarded-For: 192.0.2.7\r\nAuthorization: b\r\n\r\n")
        answer = connection.recv(1 << 16)
        connection.sendall(b"GET /headers HTTP/1.1\r\nHost: b\r\n\r\n")
        next_answer = connection.recv(1 << 16)
    assert answer.endswith(b"\r\n\r\nhost transfer-encoding")
    assert next_answer.endswith(b"\r\n\r\nhost")


@pytest.mark.parametrize(
    ("fields", "is_refused"),
    [
        (b"", True),
        (b"Host: a\r\nhost: b\r\n", True),
        (b"Host: a\r\nAuthorization: a\r\nAuthorization: b\r\n", True),
        (b"Host: a\r\nContent-Type: a\r\nContent-Type: b\r\n", True),
        (b"Host: a\r\nIdempotency-Key: a\r\nIdempotency-Key: a\r\n", True),
        (b"Host: a\r\nAccept: a\r\nAccept: b\r\n", False),
    ],
)
def test_field_that_is_missing_or_sent_twice_is_refused(fields: bytes, is_refused: bool, port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + fields + b"\r\n")
        answer = connection.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 400 " if is_refused else b"HTTP/1.1 200 "), answer
    assert (b'"type":"/problems/not-http"' in answer) == is_refused


def test_http_1_0_needs_no_host(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")


def test_connections_of_an_address_are_bounded(strict_port: int) -> None:
    with ExitStack() as stack:
        opened = [stack.enter_context(connected(strict_port)) for _ in range(3)]
        answer = read_all(opened[2], 1 << 16)
        assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
        assert b'"type":"/problems/too-many-connections"' in answer
        opened[0].sendall(HEAD + b"\r\n0123456789")
        assert opened[0].recv(1 << 16).endswith(b"0123456789")
        opened[1].close()
        time.sleep(0.1)
        again = stack.enter_context(connected(strict_port))
        again.sendall(HEAD + b"\r\n0123456789")
        assert again.recv(1 << 16).endswith(b"0123456789")
