"""A Seatledger of which everything can be killed: API, worker, tick, PostgreSQL, Redis. Each is started again at once."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import migrations
from devstack.server_files import temporary_directory
from tests.faults.clusters import Server
from tests.running_system import Stack, free_port, system_settings, wait_until_ready
from tests.soak import rounds
from tests.workers.deployment import redis_on

KILLS = rounds(6, 50)
PARTS = ("app", "worker", "tick")


class Killable:
    """Everything that Seatledger consists of."""

    def __init__(self, directory: Path, data: Path, **settings: Any) -> None:
        self._server, self._redis, self._redis_port = Server(directory / "pg"), ExitStack(), free_port()
        self._server.start()
        migrations.upgrade(self._server.url)
        redis_url = self._redis.enter_context(redis_on(self._redis_port))
        defaults = system_settings(self._server.url, redis_url, data)
        self.settings = replace(defaults, verify_hours=0, allow_unsafe_database=False, **settings)
        self.stack = Stack(self.settings)

    def kill(self, name: str) -> None:
        """Kills it, and starts it again."""
        if name == "PostgreSQL":
            self._server.kill()
            self._server.start()
        elif name == "Redis":
            self._redis.close()
            self._redis.enter_context(redis_on(self._redis_port))
        else:
            number = PARTS.index(name)
            self.stack.processes[number].kill()
            self.stack.processes[number].wait(10)
            self.stack.processes[number] = self.stack.start(*((name,) if name == "app" else ("workers", name)))
        if name in ("PostgreSQL", "app"):
            wait_until_ready(self.stack.url, self.stack.processes[0])

    def stop(self) -> None:
        self.stack.stop()
        self._redis.close()
        self._server.stop()


@contextmanager
def everything_killable(tmp_path: Path, **settings: Any) -> Iterator[Killable]:
    with temporary_directory("seatledger-test-") as directory:
        killable = Killable(directory, tmp_path, **settings)
        try:
            yield killable
        finally:
            killable.stop()


def victims(dice: random.Random) -> list[str]:
    """What is killed, in a random order."""
    names = [*PARTS, "PostgreSQL", "Redis"]
    killed = [names[number % len(names)] for number in range(KILLS)]
    dice.shuffle(killed)
    return killed
