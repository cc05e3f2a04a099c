"""The server's HTTP protocol (`app/fast_path/protocol.py`) on a socket: responses are sent in one piece, slow clients are
disconnected."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

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
    config = uvicorn.Config(echo, port=0, http=Impatient, loop="uvloop", log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
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
