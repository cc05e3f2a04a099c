"""People who watch one Event's seats: `python -m benchmarks.live_subscribers FILE`, FILE being an `SubscriberLoad` as JSON.

One process for all of them, so that they cost next to nothing. On SIGTERM, what each was told when is in FILE's place.
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
#: Connected in one go: a listening socket's queue is finite.
BATCH_SIZE = 50


class SubscriberLoad(msgspec.Struct):
    port: int
    path: str
    readers: int


#: Of each reader: (ledger position told of, when by `time.time`), in that order.
Deliveries = list[list[tuple[int, float]]]


class RunningSubscribers:
    """Readers at it; `told` is there once they have gone."""

    told: Deliveries


@contextmanager
def running_subscribers(directory: Path, audience: SubscriberLoad) -> Iterator[RunningSubscribers]:
    """Begins to connect them, and ends them with the block."""
    file = directory / f"readers-{uuid4().hex}.json"
    file.write_bytes(msgspec.json.encode(audience))
    under_way = RunningSubscribers()
    with running_process(
        "the readers", ["-m", "benchmarks.live_subscribers", str(file)], clean_environment(), file.with_suffix(".log")
    ) as process:
        yield under_way
        process.check()
        process.stop()
    try:
        under_way.told = msgspec.json.decode(file.read_bytes(), type=Deliveries)
    except msgspec.DecodeError as error:
        raise BenchError("The live stream's readers ended without a result.") from error


class _Subscriber(asyncio.Protocol):
    def __init__(self, request: bytes) -> None:
        self._request, self._rest = request, b""
        self.told: list[tuple[int, float]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._request)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        """The newest position of each whole message."""
        whole, end, self._rest = (self._rest + data).rpartition(b"\n\n")
        if end:
            now = time.time()
            self.told += [(int(position), now) for position in _ID.findall(whole)]


async def _told(audience: SubscriberLoad) -> Deliveries:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    request = f"GET {audience.path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n".encode()
    readers: list[_Subscriber] = []
    while len(readers) < audience.readers and not stop.is_set():
        some = range(min(BATCH_SIZE, audience.readers - len(readers)))
        opened = await asyncio.gather(*(loop.create_connection(lambda: _Subscriber(request), HOST, audience.port) for _ in some))
        readers += [reader for _, reader in opened]
    await stop.wait()
    return [reader.told for reader in readers]


def _main(file: Path) -> None:
    audience = msgspec.json.decode(file.read_bytes(), type=SubscriberLoad)
    file.write_bytes(msgspec.json.encode(uvloop.run(_told(audience))))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
