"""What one client may take of a process: heads, connections, commands and live streams, with the limits that ship."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psutil
import pytest

from tests.abuse.probe import probing
from tests.running_system import Person, Stack, tickets
from tests.soak import rounds

#: Those of this module, as somebody else's on the same machine.
OTHER_ADDRESS = "127.0.0.9"
MIB = 1 << 20
STREAMS_AT_ONCE = 100
#: Instead of a status: the connection was closed while the body was still being sent.
CLOSED = 0
SHIPPED = {
    "COMMANDS_PER_MINUTE": "600", "COMMANDS_PER_MINUTE_ADDRESS": "6000", "STREAMS_PER_ADDRESS": "100",
    "FORWARDED_ALLOW_IPS": "192.0.2.1",
}  # fmt: skip


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[str]:
    """An API process with the limits that ship, and without a proxy."""
    with stack.another_api(**SHIPPED) as url:
        yield url


@pytest.fixture
def other(api: str) -> Iterator[httpx.Client]:
    """Somebody else."""
    with httpx.Client(base_url=api, transport=httpx.HTTPTransport(local_address=OTHER_ADDRESS), timeout=10) as client:
        yield client


def connect(api: str, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(api).port or 0), timeout=20, source_address=(address, 0))


def process_of(api: str) -> psutil.Process:
    port = urlsplit(api).port
    listening = (one for one in psutil.net_connections("tcp") if one.status == "LISTEN" and one.laddr)
    return psutil.Process(next(one.pid for one in listening if getattr(one.laddr, "port", None) == port))


def response_to(api: str, head: bytes) -> tuple[bytes, float]:
    """The beginning of the response, and the seconds from the first byte of the head until it came. The rest is sent, too."""
    with connect(api) as connection:
        began = time.perf_counter()
        connection.sendall(head[: 32 * 1024])
        answer, seconds = connection.recv(1000), time.perf_counter() - began
        with suppress(ConnectionError):  # the server does not read it all
            connection.sendall(head[32 * 1024 :])
    return answer, seconds


HEADS = {
    "100 KB": b"GET / HTTP/1.1\r\nA: " + bytes(100_000).replace(b"\0", b"a"),
    "1,000,000 fields": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1_000_000,
    "8 MB of cookies": b"GET /api/me HTTP/1.1\r\nCookie: " + b"a=b; " * 1_600_000 + b"\r\n\r\n",
    "60 MB": b"GET / HTTP/1.1\r\nA: " + bytes(60_000_000).replace(b"\0", b"a"),
}


def test_huge_heads(api: str, other: httpx.Client) -> None:
    process = process_of(api)
    before = process.memory_info().rss
    with probing(lambda: other.get("/api/events").raise_for_status()) as alone:
        time.sleep(1)
    with probing(lambda: other.get("/api/events").raise_for_status()) as beside:
        for name, head in HEADS.items():
            slowest, answers = 0.0, list[bytes]()
            for _ in range(rounds(5, 50)):
                answer, seconds = response_to(api, head)
                slowest = max(slowest, seconds)
                answers.append(answer)
            print(f"S17: head of {name}: refused within {1000 * slowest:.1f} ms")
            assert all(answer.startswith(b"HTTP/1.1 431 ") for answer in answers)
    growth = process.memory_info().rss - before
    print(f"S17: others, alone: {alone}; beside: {beside}; memory {growth / MIB:+.1f} MiB")
    assert max(beside.seconds) < 1
    assert growth < 20 * MIB


def test_slow_clients(api: str, other: httpx.Client) -> None:
    with probing(lambda: other.get("/api/events").raise_for_status()) as alone:
        time.sleep(2)
    with ExitStack() as opened:
        began = time.monotonic()
        slow = [opened.enter_context(connect(api)) for _ in range(500)]
        with probing(lambda: other.get("/api/events").raise_for_status()) as beside:
            for byte in b"GET / HTTP/1.1\r\nA: b":
                for connection in slow:
                    connection.send(bytes((byte,)))
                time.sleep(0.1)
        for connection in slow:
            connection.settimeout(max(0.1, began + 15 - time.monotonic()))
            with suppress(ConnectionError):
                assert connection.recv(10) == b""
    print(f"S7: 500 slow clients: others alone: {alone}; beside: {beside}; cut within {time.monotonic() - began:.1f} s")
    assert max(beside.seconds) < 1


def test_connections_of_one_address(api: str, other: httpx.Client) -> None:
    with ExitStack() as opened:
        connections = [opened.enter_context(connect(api)) for _ in range(600)]
        time.sleep(0.5)
        refused = 0
        for connection in connections:
            connection.setblocking(False)
            with suppress(BlockingIOError):
                refused += connection.recv(100).startswith(b"HTTP/1.1 429 ")
        assert refused == 600 - 512
        assert other.get("/api/events").is_success
    print(f"S7: 600 connections of one address: {refused} refused")


@contextmanager
def streams(api: str, count: int) -> Iterator[list[bytes]]:
    """In portions: of a thousand requests at the same moment some are refused for the moment alone."""
    answers = list[bytes]()
    with ExitStack() as opened:
        for first in range(0, count, STREAMS_AT_ONCE):
            portion = range(first, min(count, first + STREAMS_AT_ONCE))
            connections = [opened.enter_context(connect(api)) for _ in portion]
            for connection in connections:
                connection.sendall(b"GET /api/live HTTP/1.1\r\nHost: a\r\n\r\n")
            answers += [connection.recv(12) for connection in connections]
        yield answers


def test_live_streams_of_one_address(api: str, other: httpx.Client) -> None:
    with streams(api, 150) as answers:
        assert (answers.count(b"HTTP/1.1 200"), answers.count(b"HTTP/1.1 429")) == (100, 50)
        with other.stream("GET", "/api/live") as response:
            assert response.is_success
        print(f"S8: 150 live streams of one address: {answers.count(b'HTTP/1.1 429')} refused")
    deadline = time.monotonic() + 30
    while True:  # they are closed: others may open theirs
        with streams(api, 100) as answers:
            if answers.count(b"HTTP/1.1 200") == 100:
                break
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_live_streams_of_all(stack: Stack) -> None:
    """Past the limit 503; what their clients leave is free again."""
    limit = rounds(300, 2_000)
    limits = {**SHIPPED, "LIVE_STREAMS_LIMIT": str(limit), "STREAMS_PER_ADDRESS": "0", "CONNECTIONS_PER_ADDRESS": "0"}
    with stack.another_api(**limits) as api:
        process = process_of(api)
        before = process.memory_info().rss
        with streams(api, limit + 20) as answers:
            assert (answers.count(b"HTTP/1.1 200"), answers.count(b"HTTP/1.1 503")) == (limit, 20)
            growth = process.memory_info().rss - before
        began = time.monotonic()
        while True:
            with streams(api, limit) as answers:
                if answers.count(b"HTTP/1.1 200") == limit:
                    break
            assert time.monotonic() < began + 30
            time.sleep(0.2)
        seconds = time.monotonic() - began
        print(f"S8: {limit} live streams: {growth / 1024 / limit:.0f} KiB each, all free again within {seconds:.1f} s")


def test_huge_bodies(stack: Stack, api: str, other: httpx.Client) -> None:
    process = process_of(api)
    before = process.memory_info().rss
    headers = {"Authorization": f"Bearer {stack.person('organizer').token}", "Content-Type": "application/json"}

    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(MIB)

    statuses = dict[str, int]()
    with probing(lambda: other.get("/api/events").raise_for_status()) as beside, httpx.Client(base_url=api, timeout=20) as http:
        for name, path in (("a booking", f"/api/events/{uuid4()}/bookings"), ("an event", "/api/events")):
            bodies: dict[str, bytes | Iterator[bytes]] = {
                "100 MB": b"a" * 100 * MIB,
                "100 MB in chunks": chunks(),
                "10,000 deep": b"[" * 10_000,
            }
            for form, content in bodies.items():
                try:
                    statuses[f"{name}, {form}"] = http.post(path, content=content, headers=headers).status_code
                except httpx.TransportError:  # refused while it was still being sent
                    statuses[f"{name}, {form}"] = CLOSED
    growth = process.memory_info().rss - before
    print(f"S6: bodies: {statuses}; others beside: {beside}; memory {growth / MIB:+.1f} MiB")
    assert all(status in ((422,) if "deep" in name else (413, CLOSED)) for name, status in statuses.items())
    assert growth < 20 * MIB
    assert max(beside.seconds) < 1


@pytest.mark.parametrize(
    ("what", "begin", "more"), [("trailers", b"0\r\n", b"X: y\r\n"), ("extensions of a chunk", b"2;", b"a=b;")]
)
def test_bytes_beside_a_body(api: str, other: httpx.Client, what: str, begin: bytes, more: bytes) -> None:
    process = process_of(api)
    before = process.memory_info().rss
    head = b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    block, sent_bytes, began = more * (MIB // len(more)), 0, time.perf_counter()
    with probing(lambda: other.get("/api/events").raise_for_status()) as beside, connect(api) as connection:
        with suppress(ConnectionError):
            connection.sendall(head + begin)
            for _ in range(200):
                connection.sendall(block)
                sent_bytes += len(block)
        seconds = time.perf_counter() - began
        time.sleep(1)
        growth = process.memory_info().rss - before
    print(f"200 MB of {what}: closed after {sent_bytes / MIB:.0f} MiB, {seconds:.1f} s; memory {growth / MIB:+.1f} MiB; {beside}")
    assert sent_bytes < 20 * MIB
    assert growth < 20 * MIB
    assert max(beside.seconds) < 1


def test_commands_of_one_account(stack: Stack, organizer: Person, api: str) -> None:
    hoarder, event = stack.person(), stack.event(organizer, capacity=100_000)
    with httpx.Client(base_url=api, timeout=10) as http:

        def book(token: str) -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
            return http.post(f"/api/events/{event['id']}/bookings", json=tickets(), headers=headers)

        answers = [book(hoarder.token) for _ in range(700)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert {answer.status_code for answer in answers} == {201, 429}
        assert 100 <= len(refused) <= 100 + 600, "at most twice the limit, if another minute has begun"
        assert refused[0].json()["type"] == "/problems/too-many-requests"
        assert 1 <= int(refused[0].headers["Retry-After"]) <= 60
        headers = {"Authorization": f"Bearer {hoarder.token}"}
        other_command = http.patch("/api/me", json={"name": "Another"}, headers=headers)  # through the framework
        assert other_command.status_code == 429
        assert http.get("/api/me", headers=headers).is_success
        assert book(stack.person().token).status_code == 201
    print(f"S20: one account: {700 - len(refused)} of 700 commands in a minute")


def test_commands_of_one_address(stack: Stack) -> None:
    """Whatever their account, also without one."""
    with (
        stack.another_api(**{**SHIPPED, "COMMANDS_PER_MINUTE_ADDRESS": "50"}) as api,
        httpx.Client(base_url=api, timeout=10) as http,
        httpx.Client(base_url=api, transport=httpx.HTTPTransport(local_address=OTHER_ADDRESS), timeout=10) as other,
    ):
        paths = ("/api/login", "/api/events", f"/api/events/{uuid4()}/bookings", "/compat/event-booking/bookings", "/nothing")
        answers = [
            http.post(paths[number % len(paths)], json={}, headers={"X-Forwarded-For": f"198.51.100.{number}"})
            for number in range(80)
        ]
        assert [answer.status_code == 429 for answer in answers] == [False] * 50 + [True] * 30
        assert {answer.json()["type"] for answer in answers[50:]} == {"/problems/too-many-requests"}
        assert http.get("/api/events").is_success
        assert other.post("/api/events", json={}).status_code == 401
    print("S20: one address, with a limit of 50: 50 of 80 commands in a minute")


def test_head_of_every_page(api: str, stack: Stack) -> None:
    """HEAD is GET without a body, also where the body is a stream."""
    with httpx.Client(base_url=api, timeout=10, headers={"Authorization": f"Bearer {stack.admin.token}"}) as http:
        for path in (
            "/",
            "/api/events",
            "/api/about",
            "/api/me",
            "/api/users",
            "/ready",
            "/metrics",
            "/openapi.json",
            "/api/live",
            "/no",
        ):
            head = http.head(path)
            assert head.content == b""
            if path == "/api/live":
                assert (head.status_code, head.headers["content-type"].split(";")[0]) == (200, "text/event-stream")
                continue
            got = http.get(path)
            assert head.status_code == got.status_code
            assert head.headers.get("content-type") == got.headers.get("content-type"), path
        assert http.head("/api/login").status_code == 405
