"""Bookings at a rate that the server has no say in: `python -m benchmarks.open_loop FILE`, FILE being an `OpenLoopLoad` as JSON.

wrk has no rates. Each booking has its moment, and its latency counts from there, whether or not a connection was free. When all
are answered, or on SIGTERM, what happened is in FILE's place.
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
#: For the last answers.
GRACE_SECONDS = 10.0
TICK_SECONDS = 0.001
#: A run below this part of its rate did not offer what it says.
REACHED = 0.98
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class OpenLoopLoad(msgspec.Struct):
    """So many a second to these paths in turn, by the people whose tokens are in a file, over all ports evenly."""

    ports: list[int]
    paths: list[str]
    tokens: str
    rate: float
    seconds: float


class OpenLoopResult(msgspec.Struct):
    """`answers`: each booking's moment (of `time.monotonic`), and after how many seconds it was answered. `statuses`: of all."""

    rate: float
    seconds: float
    statuses: dict[int, int]
    lost: int
    answers: list[tuple[float, float]]

    @property
    def per_second(self) -> float:
        """Bookings made a second."""
        return self.statuses.get(201, 0) / self.seconds

    @property
    def was_reached(self) -> bool:
        return self.per_second >= REACHED * self.rate

    def percentile_ms(self, percent: float, since: float = 0, until: float = float("inf")) -> float:
        return 1000 * percentile([took for moment, took in self.answers if since <= moment <= until], percent)

    def failures(self) -> list[str]:
        others = {status: count for status, count in self.statuses.items() if status != 201}
        return [f"of the bookings offered {others} were answered and {self.lost} were lost"] if others or self.lost else []


class RunningLoad:
    """One that is under way; `result` is there once it is over."""

    result: OpenLoopResult


@contextmanager
def running_load(directory: Path, offer: OpenLoopLoad, *, until_complete: bool = True) -> Iterator[RunningLoad]:
    """In a process of its own, for as long as it takes, or else until the block is left."""
    file = directory / f"offer-{uuid4().hex}.json"
    file.write_bytes(msgspec.json.encode(offer))
    under_way = RunningLoad()
    with running_process(
        "the offered load", ["-m", "benchmarks.open_loop", str(file)], clean_environment(), file.with_suffix(".log")
    ) as process:
        yield under_way
        if until_complete:
            process.wait_until_exit(offer.seconds + 2 * GRACE_SECONDS)
        else:
            process.stop()
    try:
        under_way.result = msgspec.json.decode(file.read_bytes(), type=OpenLoopResult)
    except msgspec.DecodeError as error:
        raise BenchError("The client that offers load ended without a result.") from error


class _Connection(asyncio.Protocol):
    """One request at a time, kept open."""

    def __init__(self, client: "_Client") -> None:
        self._client, self._received, self.moment = client, b"", 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if blank and length and len(body) >= int(length[1]):
            self._received = b""
            self._client.answered(self, int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self._client.is_broken = True


class _Client:
    def __init__(self, offer: OpenLoopLoad) -> None:
        self._offer = offer
        self._tokens = Path(offer.tokens).read_text().split()
        self._idle: list[_Connection] = []
        self._due: deque[float] = deque()
        self._key = uuid4()
        self._sent = 0
        self.is_broken = False
        self.answers: list[tuple[float, float]] = []
        self.statuses: Counter[int] = Counter()

    async def run(self, stop: asyncio.Event) -> OpenLoopResult:
        loop, offer = asyncio.get_running_loop(), self._offer
        for number in range(CONNECTIONS):
            port = offer.ports[number % len(offer.ports)]
            _, connection = await loop.create_connection(lambda: _Connection(self), HOST, port)
            self._idle.append(connection)
        began, offered, total = time.monotonic(), 0, int(offer.rate * offer.seconds)
        while offered < total and not stop.is_set() and not self.is_broken:
            while offered < total and (moment := began + offered / offer.rate) <= time.monotonic():
                self._due.append(moment)
                offered += 1
            self._send()
            await asyncio.sleep(TICK_SECONDS)
        lasted = time.monotonic() - began
        last = time.monotonic() + GRACE_SECONDS
        while len(self.answers) < offered and time.monotonic() < last and not self.is_broken:  # noqa: ASYNC110 - no hurry
            await asyncio.sleep(TICK_SECONDS)
        return OpenLoopResult(offer.rate, lasted, dict(self.statuses), offered - len(self.answers), self.answers)

    def _send(self) -> None:
        while self._due and self._idle:
            connection = self._idle.pop(0)
            connection.moment = self._due.popleft()
            self._sent += 1
            path, token = self._offer.paths[self._sent % len(self._offer.paths)], self._tokens[self._sent % len(self._tokens)]
            head = (
                f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
                f"Authorization: Bearer {token}\r\nIdempotency-Key: {self._key}-{self._sent}\r\n\r\n{BODY}"
            )
            connection.transport.write(head.encode())

    def answered(self, connection: _Connection, status: int) -> None:
        self.statuses[status] += 1
        self.answers.append((connection.moment, time.monotonic() - connection.moment))
        self._idle.append(connection)
        self._send()


async def _carried_out(offer: OpenLoopLoad) -> OpenLoopResult:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return await _Client(offer).run(stop)


def _main(file: Path) -> None:
    offer = msgspec.json.decode(file.read_bytes(), type=OpenLoopLoad)
    file.write_bytes(msgspec.json.encode(uvloop.run(_carried_out(offer))))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
