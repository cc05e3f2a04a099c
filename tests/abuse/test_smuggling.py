"""A request whose end two servers could see at different places is refused, so that no second request hides in its body."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.running_system import Stack

HIDDEN = b"GET /api/about HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HEAD = b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
AMBIGUOUS = {
    "length and chunks": HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + HIDDEN,
    "a list of lengths": HEAD + b"Content-Length: 2, 40\r\n\r\n{}" + HIDDEN,
    "a signed length": HEAD + b"Content-Length: +2\r\n\r\n{}" + HIDDEN,
    "a blank before the colon": HEAD + b"Content-Length : 2\r\n\r\n{}" + HIDDEN,
    "a folded header": HEAD + b"X: 1\r\n Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN,
    "chunked, but not last": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "bare line feeds": HEAD + b"Transfer-Encoding: chunked\nContent-Length: 4\n\n0\r\n\r\n" + HIDDEN,
}


def answers(stack: Stack, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", urlsplit(stack.url).port or 0), timeout=15) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


@pytest.mark.parametrize("what", AMBIGUOUS)
def test_ambiguous_request_hides_no_second_one(what: str, stack: Stack) -> None:
    received = answers(stack, AMBIGUOUS[what])
    assert received.startswith(b"HTTP/1.1 400 "), received
    assert received.count(b"HTTP/1.1 ") == 1, received


def test_two_plain_requests_are_two(stack: Stack) -> None:
    """What the others would look like if they were taken apart."""
    received = answers(stack, HEAD + b"Content-Length: 2\r\n\r\n{}" + HIDDEN)
    assert received.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 422 " in received
    assert b"HTTP/1.1 200 " in received
