"""One PostgreSQL and one Redis for all processes of a test run, in one directory.

The first process that asks starts them, as a process of their own. They end with the process that made the directory,
however it ends: it holds a lock, and they wait for it.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from devstack.server_files import temporary_directory
from devstack.servers import own_postgres, own_redis

ROOT = Path(__file__).parent.parent
SECONDS = 60.0
#: A crash of this server would lose data, and no test here is about that: durability is tested on servers of production's settings
#: (tests/devstack/test_servers.py). It makes a database several times as fast.
NOT_DURABLE = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "1h",
    "max_connections": "400",  # of all processes of a run, each with a running system
}
#: Files in memory: a database is made in a tenth of the time. Used if it has room for the write-ahead log and the databases.
MEMORY, ROOM_BYTES = Path("/dev/shm"), 4 << 30  # noqa: S108 (a directory of a random name is made in it)


@contextmanager
def directory() -> Iterator[Path]:
    """For the process that all others of the run are children of. At the end, the servers are stopped and their data removed."""
    with temporary_directory("seatledger-test-", parent=_parent()) as path:
        with locked(path / "run"):
            yield path
        deadline = time.monotonic() + SECONDS
        while _urls_file(path).exists() and time.monotonic() < deadline:
            time.sleep(0.02)


def _parent() -> Path | None:
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES
    return MEMORY if roomy else None


def urls(path: Path) -> tuple[str, str]:
    """Of PostgreSQL and of Redis, started where they are not."""
    with locked(path / "start"):
        if not _urls_file(path).exists():
            _start(path)
    database_url, redis_url = json.loads(_urls_file(path).read_text())
    return database_url, redis_url


@contextmanager
def locked(path: Path) -> Iterator[IO[str]]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _urls_file(path: Path) -> Path:
    return path / "urls.json"


def _start(path: Path) -> None:
    log = path / "servers.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.own_servers", str(path)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + SECONDS
    while not _urls_file(path).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The servers of the tests do not start: {log.read_text()}")
        time.sleep(0.02)
    process.returncode = 0  # It outlives this process on purpose; Popen is not to warn of that.


def _serve(path: Path) -> None:
    with own_postgres(path / "postgresql", changes=NOT_DURABLE) as database_url, own_redis(path / "redis") as redis_url:
        fresh = path / "urls.new"
        fresh.write_text(json.dumps([database_url, redis_url]))
        fresh.rename(_urls_file(path))
        with locked(path / "run"):
            pass
    _urls_file(path).unlink()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))


def runtime_url(url: str) -> str:
    """The address with which the processes of a server that has this one connect: as a role that does not own the ledger."""
    return url.replace("//seatledger@", "//seatledger_app@", 1)
