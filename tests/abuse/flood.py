"""Many clients that send one kind of request, from a process of their own: their work is not the probe's.

`python -m tests.abuse.flood` with the fields of `Flood` as JSON; it goes on until its input ends, and prints the statuses."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count, islice
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

_NUMBERS = count()
#: How long the flood waits for responses when it ends: a busy machine takes seconds for a sign-up.
LAST_RESPONSES_SECONDS = 20.0


@dataclass(frozen=True)
class Flood:
    """Requests to `path`, `per_second` of all clients together (0: each without a pause). Each client has
    its IP address of `addresses`, and names its e-mail address of `emails`, or without those a new one in each request."""

    api: str
    path: str
    body: dict[str, Any]
    clients: int
    addresses: Sequence[str]
    per_second: int = 0
    emails: Sequence[str] = ()

    async def send(self, statuses: Counter[str], has_ended: asyncio.Event) -> None:
        """Until it has ended; then what was asked is still answered."""
        await asyncio.gather(*(self._client(number, statuses, has_ended) for number in range(self.clients)))

    async def _client(self, number: int, statuses: Counter[str], has_ended: asyncio.Event) -> None:
        parts = urlsplit(self.api)
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port, local_addr=(self.addresses[number % len(self.addresses)], 0)
        )
        pause = self.clients / self.per_second if self.per_second else 0.0
        due = time.monotonic() + pause * number / self.clients
        with closing(writer):
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(has_ended.wait(), due - time.monotonic())
                if has_ended.is_set():
                    return
                due = max(due + pause, time.monotonic())
                email = self.emails[number % len(self.emails)] if self.emails else f"{uuid4().hex}@example.test"
                content = json.dumps({**self.body, "email": email}).encode()
                writer.write(
                    f"POST {self.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(content)}\r\n\r\n".encode()
                    + content
                )
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                statuses[head.split()[1]] += 1
                await reader.readexactly(int(head.split("content-length:")[1].split()[0]))


def new_addresses(how_many: int) -> list[str]:
    """Of this machine, and not used before in this process."""
    return [f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}" for number in islice(_NUMBERS, how_many)]


@contextmanager
def flooding(flood: Flood) -> Iterator[Counter[str]]:
    """Floods during the block; the statuses are there after it."""
    statuses = Counter[str]()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.abuse.flood", json.dumps(asdict(flood))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"sending\n"
        yield statuses
    finally:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    statuses.update(json.loads(output))


async def main(flood: Flood) -> None:
    statuses, has_ended = Counter[str](), asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, has_ended.set)
    print("sending", flush=True)
    sending, ending = asyncio.create_task(flood.send(statuses, has_ended)), asyncio.create_task(has_ended.wait())
    await asyncio.wait([sending, ending], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait([sending], timeout=LAST_RESPONSES_SECONDS)
    if sending.done():
        await sending
    sending.cancel()
    print(json.dumps(statuses))


if __name__ == "__main__":
    asyncio.run(main(Flood(**json.loads(sys.argv[1]))))
