"""The server's HTTP protocol (`app/fast_path/protocol.py`) on a socket: responses are sent in one piece, slow clients are
disconnected."""

import asyncio
import socket
import time
from contextlib import ExitStack, suppress

import pytest
import uvloop

from app.fast_path import protocol
from tests.app.protocol_server import (
    BOUND_SECONDS,
    HEAD,
    LONG,
    PIECES,
    closed_after,
    connected,
    read_all,
)


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
