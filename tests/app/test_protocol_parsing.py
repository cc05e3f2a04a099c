"""What the server's HTTP protocol (`app/fast_path/protocol.py`) takes for a head, a field and a body, and what it refuses."""

import time
from contextlib import suppress

import pytest

from tests.app.protocol_server import HEAD, connected, read_all


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
def test_what_is_no_data_of_a_body_is_bounded(begin: bytes, more: bytes, piece_bytes: int, patient_port: int) -> None:
    """The connection is closed before the deadline."""
    sent = CHUNKED + begin + more * (1_000_000 // len(more))
    with connected(patient_port) as connection, suppress(ConnectionError):
        for start in range(0, len(sent), piece_bytes):
            connection.sendall(sent[start : start + piece_bytes])
        assert connection.recv(100) == b""


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
