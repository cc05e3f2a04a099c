"""An open-loop load: bookings at a fixed rate. `python -m benchmarks.open_loop FILE`, with an `OpenLoopLoad` as JSON in FILE.

wrk can't keep a rate. Each booking has a due time, and its latency counts from then, whether or not a connection was free. When all
have a response, or on SIGTERM, the `OpenLoopResult` replaces FILE.
"""

import asyncio
import re
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from uuid import uuid4

import msgspec
import uvloop

from benchmarks.load import BODY
from benchmarks.machine import BenchError
from benchmarks.processes import HOST, clean_environment, running_process
from benchmarks.results import percentile

CONNECTIONS = 64
#: How long to wait for the last responses.
GRACE_SECONDS = 10.0
TICK_SECONDS = 0.001
#: Below this part of its rate, a load did not reach the rate.
REACHED = 0.98
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class OpenLoopLoad(msgspec.Struct):
    """`rate` bookings per second to these paths in turn, with the tokens of a file, evenly over all ports."""

    ports: list[int]
    paths: list[str]
    tokens: str
    rate: float
    seconds: float


class OpenLoopResult(msgspec.Struct):
    """`responses`: each booking's due time (by `time.monotonic`) and latency in seconds. `statuses`: responses by status."""

    rate: float
    seconds: float
    statuses: dict[int, int]
    lost: int
    responses: list[tuple[float, float]]

    @property
    def per_second(self) -> float:
        """Bookings made per second."""
        return self.statuses.get(201, 0) / self.seconds

    @property
    def was_reached(self) -> bool:
        return self.per_second >= REACHED * self.rate

    def percentile_ms(self, percent: float, since: float = 0, until: float = float("inf")) -> float:
        return 1000 * percentile([took for due_at, took in self.responses if since <= due_at <= until], percent)

    def failures(self) -> list[str]:
        others = {status: count for status, count in self.statuses.items() if status != 201}
        return [f"of the bookings sent, {others} got another status and {self.lost} were lost"] if others or self.lost else []


class RunningLoad:
    """A load in progress; `result` is set after its end."""

    result: OpenLoopResult


@contextmanager
def running_load(directory: Path, load: OpenLoopLoad, *, until_complete: bool = True) -> Iterator[RunningLoad]:
    """Runs the load in a process of its own, until it is complete or (without `until_complete`) until the block is left."""
    file = directory / f"offer-{uuid4().hex}.json"
    file.write_bytes(msgspec.json.encode(load))
    running = RunningLoad()
    with running_process(
        "the offered load", ["-m", "benchmarks.open_loop", str(file)], clean_environment(), file.with_suffix(".log")
    ) as process:
        yield running
        if until_complete:
            process.wait_until_exit(load.seconds + 2 * GRACE_SECONDS)
        else:
            process.stop()
    try:
        running.result = msgspec.json.decode(file.read_bytes(), type=OpenLoopResult)
    except msgspec.DecodeError as error:
        raise BenchError("The open-loop client ended without a result.") from error


class _Connection(asyncio.Protocol):
    """A persistent connection with one request at a time."""

    def __init__(self, client: "_Client") -> None:
        self._client, self._received, self.due_at = client, b"", 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's transport is not a subclass

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if blank and length and len(body) >= int(length[1]):
            self._received = b""
            self._client.on_response(self, int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self._client.is_broken = True


class _Client:
    def __init__(self, load: OpenLoopLoad) -> None:
        self._load = load
        self._tokens = Path(load.tokens).read_text().split()
        self._idle: list[_Connection] = []
        self._due: deque[float] = deque()
        self._key = uuid4()
        self._sent = 0
        self.is_broken = False
        self.responses: list[tuple[float, float]] = []
        self.statuses: Counter[int] = Counter()

    async def run(self, stop: asyncio.Event) -> OpenLoopResult:
        loop, load = asyncio.get_running_loop(), self._load
        for number in range(CONNECTIONS):
            port = load.ports[number % len(load.ports)]
            _, connection = await loop.create_connection(lambda: _Connection(self), HOST, port)
            self._idle.append(connection)
        began, sent, total = time.monotonic(), 0, int(load.rate * load.seconds)
        while sent < total and not stop.is_set() and not self.is_broken:
            while sent < total and (due_at := began + sent / load.rate) <= time.monotonic():
                self._due.append(due_at)
                sent += 1
            self._send()
            await asyncio.sleep(TICK_SECONDS)
        duration_seconds = time.monotonic() - began
        deadline = time.monotonic() + GRACE_SECONDS
        while len(self.responses) < sent and time.monotonic() < deadline and not self.is_broken:  # noqa: ASYNC110 - no hurry
            await asyncio.sleep(TICK_SECONDS)
        return OpenLoopResult(load.rate, duration_seconds, dict(self.statuses), sent - len(self.responses), self.responses)

    def _send(self) -> None:
        while self._due and self._idle:
            connection = self._idle.pop(0)
            connection.due_at = self._due.popleft()
            self._sent += 1
            path, token = self._load.paths[self._sent % len(self._load.paths)], self._tokens[self._sent % len(self._tokens)]
            head = (
                f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
                f"Authorization: Bearer {token}\r\nIdempotency-Key: {self._key}-{self._sent}\r\n\r\n{BODY}"
            )
            connection.transport.write(head.encode())

    def on_response(self, connection: _Connection, status: int) -> None:
        self.statuses[status] += 1
        self.responses.append((connection.due_at, time.monotonic() - connection.due_at))
        self._idle.append(connection)
        self._send()


async def _execute(load: OpenLoopLoad) -> OpenLoopResult:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return await _Client(load).run(stop)


def _main(file: Path) -> None:
    load = msgspec.json.decode(file.read_bytes(), type=OpenLoopLoad)
    file.write_bytes(msgspec.json.encode(uvloop.run(_execute(load))))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
