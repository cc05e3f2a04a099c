"""Clients that reset their connection while responses are on their way to others (direct connections, without a proxy)."""

import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from tests.abuse.probe import probing
from tests.running_system import Stack
from tests.soak import rounds

RESET = struct.pack("ii", 1, 0)
TWO_REQUESTS = 2 * b"GET /api/events?limit=200 HTTP/1.1\r\nHost: x\r\n\r\n"
OTHERS = 6


@contextmanager
def resetting(api: str) -> Iterator[list[int]]:
    """Opens connections, each with two requests at once, and resets them before they are answered; counts them."""
    has_ended, count = threading.Event(), [0]
    address = ("127.0.0.1", urlsplit(api).port or 0)

    def reset_all() -> None:
        while not has_ended.wait(0.01):
            with socket.create_connection(address, timeout=5) as connection:
                connection.sendall(TWO_REQUESTS)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            count[0] += 1

    thread = threading.Thread(target=reset_all)
    thread.start()
    try:
        yield count
    finally:
        has_ended.set()
        thread.join()


def test_reset_connections_cost_nobody_a_response(stack: Stack) -> None:
    requests = rounds(250, 5_000)

    def read_events() -> None:
        with httpx.Client(base_url=stack.url, timeout=5) as client:
            for _ in range(requests):
                client.get("/api/events?limit=200").raise_for_status()

    with (
        resetting(stack.url) as resets,
        probing(lambda: stack.http.get("/api/about").raise_for_status()) as beside,
        ThreadPoolExecutor(OTHERS) as pool,
    ):
        others = [pool.submit(read_events) for _ in range(OTHERS)]
    failures = [error for other in others if (error := other.exception()) is not None]
    print(f"{resets[0]} connections reset; {OTHERS * requests} requests of others, {len(failures)} without a response; {beside}")
    assert not failures, failures
    assert resets[0] >= 10
