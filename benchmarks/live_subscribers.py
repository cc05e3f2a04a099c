"""Subscribers of one Event's live feed: `python -m benchmarks.live_subscribers FILE`, with a `SubscriberLoad` as JSON in FILE.

One process has all connections, so that they use little CPU. On SIGTERM it replaces FILE by the deliveries of each subscriber.
"""

import asyncio
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from uuid import uuid4

import msgspec
import uvloop

from benchmarks.machine import BenchError
from benchmarks.processes import HOST, clean_environment, running_process

_ID = re.compile(rb"^id: (\d+)", re.MULTILINE)
#: Connections opened at once: the queue of a listening socket is bounded.
BATCH_SIZE = 50


class SubscriberLoad(msgspec.Struct):
    """`readers` connections to a path of an API process."""

    port: int
    path: str
    readers: int


#: For each subscriber: pairs of (ledger position, time of arrival by `time.time`), in order of arrival.
Deliveries = list[list[tuple[int, float]]]


class RunningSubscribers:
    """Subscribers in a process; `deliveries` is set after it ended."""

    deliveries: Deliveries


@contextmanager
def running_subscribers(directory: Path, load: SubscriberLoad) -> Iterator[RunningSubscribers]:
    """Starts to connect the subscribers; ends them after the block. Raises BenchError if their process fails."""
    file = directory / f"readers-{uuid4().hex}.json"
    file.write_bytes(msgspec.json.encode(load))
    subscribers = RunningSubscribers()
    with running_process(
        "the readers", ["-m", "benchmarks.live_subscribers", str(file)], clean_environment(), file.with_suffix(".log")
    ) as process:
        yield subscribers
        process.check()
        process.stop()
    try:
        subscribers.deliveries = msgspec.json.decode(file.read_bytes(), type=Deliveries)
    except msgspec.DecodeError as error:
        raise BenchError("The live stream's readers ended without a result.") from error


class _Subscriber(asyncio.Protocol):
    def __init__(self, request: bytes) -> None:
        self._request, self._rest = request, b""
        self.deliveries: list[tuple[int, float]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._request)  # uvloop's transport is not a subclass

    def data_received(self, data: bytes) -> None:
        """Stores the position of each complete message."""
        complete, end, self._rest = (self._rest + data).rpartition(b"\n\n")
        if end:
            now = time.time()
            self.deliveries += [(int(position), now) for position in _ID.findall(complete)]


async def _receive(load: SubscriberLoad) -> Deliveries:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    request = f"GET {load.path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n".encode()
    subscribers: list[_Subscriber] = []
    while len(subscribers) < load.readers and not stop.is_set():
        some = range(min(BATCH_SIZE, load.readers - len(subscribers)))
        opened = await asyncio.gather(*(loop.create_connection(lambda: _Subscriber(request), HOST, load.port) for _ in some))
        subscribers += [subscriber for _, subscriber in opened]
    await stop.wait()
    return [subscriber.deliveries for subscriber in subscribers]


def _main(file: Path) -> None:
    load = msgspec.json.decode(file.read_bytes(), type=SubscriberLoad)
    file.write_bytes(msgspec.json.encode(uvloop.run(_receive(load))))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
