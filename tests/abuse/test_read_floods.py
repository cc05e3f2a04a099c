"""Reads by the thousand from one address, over many connections, whether or not it reads the responses."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.abuse.test_floods import OTHER_ADDRESS, connect, process_of
from tests.running_system import Stack
from tests.soak import SOAK, rounds, within

CONNECTIONS, PIPELINED = 400, 60
ATTACKER = "127.0.0.66"
#: Of somebody else's request on a new connection.
WAIT_SECONDS = 1.0
SHIPPED = {"FORWARDED_ALLOW_IPS": "192.0.2.1"}


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[str]:
    with stack.another_api(**SHIPPED) as url:
        yield url


@contextmanager
def pipelining(api: str, path: str) -> Iterator[None]:
    """CONNECTIONS, each with PIPELINED requests whose responses nobody reads."""
    requests = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * PIPELINED
    with ExitStack() as opened:
        for _ in range(CONNECTIONS):
            connection = opened.enter_context(connect(api, ATTACKER))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.settimeout(0.1)
            with suppress(OSError):
                connection.sendall(requests)
        yield


def seconds_of(api: str, path: str) -> float:
    """Of a request on a connection of its own, by somebody else."""
    began = time.perf_counter()
    with connect(api, OTHER_ADDRESS) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    return time.perf_counter() - began


@pytest.mark.parametrize("path", ["/openapi.json", "/api/events", "/api/about"])
def test_reads_of_one_address_do_not_keep_others_waiting(api: str, path: str) -> None:
    process = process_of(api)
    seconds_of(api, "/health")
    cpu, taken = [], []
    with pipelining(api, path):
        until = time.monotonic() + rounds(3, 15)
        while time.monotonic() < until:
            for each in ("/health", "/api/events?limit=1"):
                before = sum(process.cpu_times()[:2])
                taken.append(seconds_of(api, each))
                cpu.append(sum(process.cpu_times()[:2]) - before)
            time.sleep(0.1)
    print(
        f"{CONNECTIONS} connections with {PIPELINED} requests each for {path}: others wait at most {max(taken):.2f} s,"
        f" {max(cpu):.2f} s of the process's CPU"
    )
    assert max(cpu) < within(WAIT_SECONDS / 2)
    assert max(taken) < (WAIT_SECONDS if SOAK else 10 * WAIT_SECONDS)
