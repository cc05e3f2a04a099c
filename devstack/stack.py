"""What `make run` starts: PostgreSQL and Redis of its own, unless the settings name others, the database's shape, demo data, and
the three kinds of process of Seatledger, under one supervisor. Ctrl-C ends all of it, and so does the end of a server or the API. A
worker or tick that ends starts again.
"""

import argparse
import dataclasses
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, cast

import psycopg
import redis
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

import migrations
from devstack import servers
from devstack.readiness import responds_ok
from devstack.server_files import link_target
from devstack.server_user import USER, ServerError, make_data_directory
from devstack.supervisor import ProcessSpec, Supervisor
from ledger.database_errors import one_line
from ledger.settings import Settings, SettingsError
from seed import progress

#: What runs Seatledger, here and in docker-compose.yml: any number of `api` and `worker`, exactly one `tick`.
COMMANDS = {"api": "python -m app", "worker": "python -m workers worker", "tick": "python -m workers tick"}

MIN_POSTGRES_VERSION = 15
CONNECT_SECONDS = 5
#: A new database with its demo data takes half of it.
MIN_FREE_BYTES = 100_000_000
#: A shell's background job would ignore the first.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StackError(Exception):
    """Seatledger can't start, or ended by itself: one sentence, for the terminal."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    parser.add_argument("--prepare", action="store_true", help="make the database and its tables, and end")
    prepare_only = parser.parse_args().prepare
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler)
    sys.stdout = cast(TextIO, _TolerantOutput(sys.stdout))
    failures: list[str] = []
    try:
        settings = Settings.from_env()
        if not prepare_only:
            _check_port(settings)
        _check_data_dir(settings)
        with _servers(settings, failures) as settings, servers.url_files(settings):
            _migrate(settings.database_url)
            if prepare_only:
                print("The database is ready.")
                return 0
            if settings.demo and _demo_is_missing(settings.database_url):
                print("Loading the demo data into the ledger.", flush=True)
                _seed(settings)
            _supervise(settings)
    except (SettingsError, ServerError, StackError) as error:
        failures.append(str(error))
    except KeyboardInterrupt:
        pass
    print("\n".join(failures) or "Stopped.", file=sys.stderr if failures else sys.stdout, flush=True)
    return 1 if failures else 0


class _TolerantOutput:
    """Where the logs go. Nobody may be reading any more (`make run | head`): that is no reason to end half of everything."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._output.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._output.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)


def _check_port(settings: Settings) -> None:
    """Now, not after half a minute of starting everything else. The API's own bind is what counts."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise StackError(
            f"Port {settings.port} of {settings.host} can't be used ({error.strerror}): set PORT to another, or HOST."
        ) from error


def _check_data_dir(settings: Settings) -> None:
    data_dir = settings.data_dir
    probe = data_dir / ".writable"
    try:
        if not settings.database_url:
            _check_free_space(link_target(data_dir / "postgresql") or data_dir)
        make_data_directory(data_dir)
        try:
            probe.write_bytes(bytes(4096))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise StackError(f"The data directory {data_dir} is not writable ({error.strerror}): set DATA_DIR to another.") from error


def _check_free_space(directory: Path) -> None:
    """Before anything is made: a database on a full disk is half made, or ends in the middle of a sale."""
    present = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
    if (free := shutil.disk_usage(present).free) < MIN_FREE_BYTES:
        raise StackError(
            f"The disk of the data directory {directory} has {free // 10**6} MB left, "
            f"and Seatledger needs {MIN_FREE_BYTES // 10**6}: make room, or set DATA_DIR to another."
        )


@contextmanager
def _servers(given: Settings, failures: list[str]) -> Iterator[Settings]:
    """Yields the settings that the processes are to have: the servers' URLs, and whether there is demo data.

    A server of ours that ends by itself is added to `failures`, and everything ends.
    """

    def stop_all(sentence: str) -> None:
        failures.append(f"{sentence} Everything was stopped.")
        os.kill(os.getpid(), signal.SIGTERM)

    with ExitStack() as stack:
        try:
            settings = given
            if given.database_url:
                _check_database(given.database_url)
            else:
                url = stack.enter_context(servers.own_postgres(given.data_dir / "postgresql", stop_all))
                settings = dataclasses.replace(settings, database_url=url)
                _print_data_location(given.data_dir / "postgresql")
            if given.redis_url:
                _check_redis(given.redis_url)
            else:
                url = stack.enter_context(servers.own_redis(given.data_dir / "redis", stop_all))
                settings = dataclasses.replace(settings, redis_url=url)
            yield dataclasses.replace(settings, demo=not given.database_url if given.demo is None else given.demo)
        finally:
            # From here on everything ends anyway: a second Ctrl-C is not to leave a server behind.
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_IGN)


def _print_data_location(directory: Path) -> None:
    if place := link_target(directory):
        print(
            f"The database is in {place}: PostgreSQL refuses root, and {USER}, as whom it runs, can't enter DATA_DIR.", flush=True
        )


def _check_redis(url: str) -> None:
    """A Redis that is away is no reason not to sell; an address that names none is."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS) as client:
            client.ping()
    except ValueError:
        raise StackError("REDIS_URL is not a redis:// URL.") from None
    except redis.RedisError as error:
        reason = one_line(error)
        print(
            f"The Redis of REDIS_URL does not answer ({reason}): selling works, what is shown follows when it is back.", flush=True
        )


def _check_database(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
            version = connection.info.server_version // 10_000
    except psycopg.OperationalError as error:
        raise StackError(f"The PostgreSQL of DATABASE_URL refuses: {one_line(error)}") from error
    except psycopg.ProgrammingError:
        # Its message may repeat the URL, and the URL may hold a password.
        raise StackError("DATABASE_URL is not a postgresql:// URL.") from None
    if version < MIN_POSTGRES_VERSION:
        raise StackError(f"The PostgreSQL of DATABASE_URL is version {version}; Seatledger needs {MIN_POSTGRES_VERSION} or later.")


def _migrate(url: str) -> None:
    try:
        migrations.upgrade(url)
    except DBAPIError as error:
        raise StackError(f"The database can't be migrated: {one_line(error.orig)}") from error
    except CommandError as error:
        raise StackError(f"The database can't be migrated: {one_line(error).removesuffix('.')}.") from error


def _demo_is_missing(database_url: str) -> bool:
    """Is the ledger empty, or was loading the demo broken off the last time?"""
    try:
        progress.find_progress(database_url, datetime.now(UTC))
    except progress.DemoNotLoadable:
        return False
    return True


def _seed(settings: Settings) -> None:
    done = subprocess.run([sys.executable, "-m", "seed"], env=_environment(settings), check=False)
    if done.returncode != 0:
        raise StackError("The demo data could not be loaded: see above.")


def _supervise(settings: Settings) -> None:
    """Until Ctrl-C, SIGTERM or SIGHUP, or the end of the API. A worker or tick that ends starts again: selling needs neither."""
    specs = [
        ProcessSpec(name=name, command=[sys.executable, *shlex.split(command)[1:]], essential=name == "api")
        for name, command in COMMANDS.items()
    ]
    supervisor = Supervisor(specs, environment=_environment(settings), output=sys.stdout)
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: supervisor.stop())
    threading.Thread(target=_print_welcome, args=[settings], daemon=True).start()
    if reason := supervisor.run():
        raise StackError(f"The process {reason}, see above: everything was stopped.")


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, **settings.to_env(), "PYTHONUNBUFFERED": "1"}


def _print_welcome(settings: Settings) -> None:
    """Says where it is as soon as it can sell."""
    while not responds_ok(settings.host, settings.port, "/ready"):
        time.sleep(0.1)
    lines = [f"Seatledger is at {settings.server_url}, its API's pages at {settings.server_url}/docs. Ctrl-C stops it."]
    if settings.demo:
        lines.append("Demo: admin@, organizer@, auditor@, alice@ and bob@example.test, password demo-password.")
    print("\n" + "\n".join(f"  {line}" for line in lines) + "\n", flush=True)
