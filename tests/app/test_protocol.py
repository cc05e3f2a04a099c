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

from app.connections import ConnectionLimiter
from app.fast_path import protocol

Message = MutableMapping[str, Any]
BOUND_SECONDS = 0.3
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"
PIECES = [b"x" * 50_000] * 40


class Impatient(protocol.HttpProtocol):
    request_timeout_seconds = BOUND_SECONDS


async def echo(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """Echoes the body; `/stream` sends PIECES without waiting; `/late` sends the head at once and the body later."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    else:
        return
    pieces = PIECES if scope["path"] == "/stream" else [body]
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


def test_pipelined_requests_are_bounded(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /late HTTP/1.1\r\n\r\n" * 1_000)
        with suppress(ConnectionError):
            answers = read_all(connection, 1 << 20)
            assert answers.count(b"HTTP/1.1") <= 1


def test_request_to_upgrade_is_answered_without_a_warning(port: int, caplog: pytest.LogCaptureFixture) -> None:
    for upgrade in (b"websocket", b"h2c"):
        with connected(port) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n")
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
