"""Starts Seatledger: PostgreSQL and Redis of its own (unless the settings name others), migrations, demo data, and the API, a
worker and the tick under one supervisor. Ctrl-C ends all of it, and so does the end of a server or of the API. A worker or tick
that ends is restarted.
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
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO, cast

import psycopg
import redis
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

import migrations
from devstack import servers, stripe_keys
from devstack.readiness import responds_ok
from devstack.server_files import link_target
from devstack.server_user import USER, ServerError, make_data_directory
from devstack.supervisor import ProcessSpec, Supervisor
from ledger import redis_clients
from ledger.database_errors import one_line
from ledger.durability import UnsafeDatabase, check_durability
from ledger.logs import json_line
from ledger.settings import Settings, SettingsError
from migrations.roles import RoleMissing
from seed import progress

#: The processes of Seatledger, also of docker-compose.yml. Any number of each may run; here it is one.
COMMANDS = {"api": "python -m app", "worker": "python -m workers worker", "tick": "python -m workers tick"}

MIN_POSTGRES_VERSION = 15
#: The role of the processes on a PostgreSQL of our own. The owner's is `seatledger`.
RUNTIME_ROLE = "seatledger_app"
CONNECT_SECONDS = 5
#: A new database with demo data takes half of this.
MIN_FREE_BYTES = 100_000_000
#: All of them, because a background job of a shell ignores SIGINT.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StackError(Exception):
    """Seatledger can't start, or a process ended by itself. The message is one sentence for the terminal."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    parser.add_argument("--prepare", action="store_true", help="create the database and its tables, and exit")
    prepare_only = parser.parse_args().prepare
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler)
    output = _TolerantOutput(sys.stdout)
    sys.stdout = cast(TextIO, output)
    failures: list[str] = []
    try:
        settings = Settings.from_env()
        if settings.demo is None:
            settings = dataclasses.replace(settings, demo=not settings.database_url)
        output.as_json = settings.log_format == "json"
        if not prepare_only:
            _check_port(settings)
            _check_stripe(settings)
        _prepare_data_dir(settings)
        with _servers(settings, failures) as settings, servers.url_files(settings):
            _migrate(settings)
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
    print("\n".join(failures) or "Stopped.", file=sys.stderr if failures and not output.as_json else sys.stdout, flush=True)
    return 1 if failures else 0


class _TolerantOutput:
    """An output that ignores write errors: if its reader ends (`make run | head`), the processes continue. `as_json`:
    lines that are not JSON are wrapped in JSON."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self.as_json = False

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._output.write("".join(self._json_lines(text)) if self.as_json else text)
        return len(text)

    def _json_lines(self, text: str) -> Iterator[str]:
        for line in filter(None, map(str.strip, text.splitlines())):
            yield f"{line if line.startswith('{') else json_line('system', line)}\n"

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._output.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)


def _check_port(settings: Settings) -> None:
    """Raises StackError if the port is in use. Checked first, because starting everything else takes some seconds."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise StackError(
            f"Port {settings.port} of {settings.host} can't be used ({error.strerror}): set PORT or HOST to another value."
        ) from error


def _prepare_data_dir(settings: Settings) -> None:
    """Makes it. Raises StackError if it can't be written, or has too little room."""
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
        raise StackError(
            f"The data directory {data_dir} is not writable ({error.strerror}): set DATA_DIR to another directory."
        ) from error


def _check_free_space(directory: Path) -> None:
    """Raises StackError if the disk is nearly full, before anything is created: PostgreSQL would fail now or during sales."""
    present = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
    if (free := shutil.disk_usage(present).free) < MIN_FREE_BYTES:
        raise StackError(
            f"The disk of the data directory {directory} has {free // 10**6} MB left, "
            f"and Seatledger needs {MIN_FREE_BYTES // 10**6}: free some space, or set DATA_DIR to another directory."
        )


@contextmanager
def _servers(configured: Settings, failures: list[str]) -> Iterator[Settings]:
    """Yields the settings for the processes, with the servers' URLs.

    If a server of our own ends by itself, the reason is added to `failures`, and everything ends.
    """

    def stop_all(sentence: str) -> None:
        failures.append(f"{sentence} Everything was stopped.")
        os.kill(os.getpid(), signal.SIGTERM)

    with ExitStack() as stack:
        try:
            settings = configured
            if configured.database_url:
                _check_database(configured)
            else:
                url = stack.enter_context(servers.own_postgres(configured.data_dir / "postgresql", stop_all))
                runtime = url.replace("//seatledger@", f"//{RUNTIME_ROLE}@", 1)
                settings = dataclasses.replace(settings, database_url=url, runtime_database_url=runtime)
                _print_data_location(configured.data_dir / "postgresql")
            if configured.redis_url:
                _check_redis(configured.redis_url)
            else:
                url = stack.enter_context(servers.own_redis(configured.data_dir / "redis", stop_all))
                settings = dataclasses.replace(settings, redis_url=url)
            yield settings
        finally:
            # Everything ends from here on: a second Ctrl-C must not leave a server behind.
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_IGN)


def _print_data_location(directory: Path) -> None:
    if target := link_target(directory):
        print(
            f"The database is in {target}: PostgreSQL refuses to run as root, and {USER}, which runs it, can't enter DATA_DIR.",
            flush=True,
        )


def _check_redis(url: str) -> None:
    """Warns if Redis is unavailable, because selling works without it."""
    try:
        with redis_clients.client(url, seconds=CONNECT_SECONDS) as client:
            client.ping()
    except redis.RedisError as error:
        reason = one_line(error)
        print(
            f"Redis at REDIS_URL is unavailable ({reason}): selling works, and queries show new bookings with a delay.",
            flush=True,
        )


def _check_database(settings: Settings) -> None:
    try:
        with psycopg.connect(settings.database_url, connect_timeout=CONNECT_SECONDS) as connection:
            version = connection.info.server_version // 10_000
            if not settings.allow_unsafe_database:  # if it is allowed, API and worker log a warning
                check_durability(connection, is_unsafe_allowed=False)
    except UnsafeDatabase as error:
        raise StackError(str(error)) from None
    except psycopg.OperationalError as error:
        raise StackError(f"PostgreSQL at DATABASE_URL refuses the connection: {one_line(error)}") from error
    except psycopg.ProgrammingError:
        # Its message may repeat the URL, and the URL may hold a password.
        raise StackError("DATABASE_URL is not a postgresql:// URL.") from None
    if version < MIN_POSTGRES_VERSION:
        raise StackError(f"PostgreSQL at DATABASE_URL is version {version}; Seatledger needs {MIN_POSTGRES_VERSION} or later.")


def _migrate(settings: Settings) -> None:
    try:
        migrations.upgrade(settings.database_url, runtime_database_url=settings.runtime_database_url)
    except DBAPIError as error:
        raise StackError(f"The database can't be migrated: {one_line(error.orig)}") from error
    except RoleMissing as error:
        raise StackError(str(error)) from error
    except CommandError as error:
        raise StackError(f"The database can't be migrated: {one_line(error).removesuffix('.')}.") from error


def _demo_is_missing(database_url: str) -> bool:
    """Whether the ledger is empty, or an earlier load of the demo data was interrupted."""
    try:
        progress.find_progress(database_url, datetime.now(UTC))
    except progress.DemoNotLoadable:
        return False
    return True


def _seed(settings: Settings) -> None:
    done = subprocess.run([sys.executable, "-m", "seed"], env=_environment(settings), check=False)
    if done.returncode != 0:
        raise StackError("The demo data could not be loaded: see above.")


def _check_stripe(settings: Settings) -> None:
    """Raises StackError if a stand-in for Stripe is asked for where money may be taken, or is not installed."""
    if settings.stripe == "local" and (settings.demo is not True or settings.stripe_api_key):
        raise StackError("STRIPE=local is for the demo alone: set DEMO=1, and no key of Stripe.")
    if settings.stripe == "local" and find_spec("localstripe") is None:
        raise StackError("STRIPE=local needs localstripe, which `make setup` installs.")


def _stand_in_for_stripe(settings: Settings) -> tuple[Settings, list[ProcessSpec]]:
    """The settings with its keys and its address, and its process; without STRIPE=local they stay as they are."""
    if not settings.stripe:
        return settings, []
    with socket.socket() as first, socket.socket() as second:
        for probe in (first, second):
            probe.bind(("127.0.0.1", 0))
        port, server_port = first.getsockname()[1], second.getsockname()[1]
    url = f"http://{settings.host}:{settings.port}/api/payment-providers/stripe/webhook"
    command = [sys.executable, "-m", "devstack.local_stripe", "--port", str(port), "--server-port", str(server_port)]
    settings = dataclasses.replace(
        settings, stripe_api_key=stripe_keys.API_KEY, stripe_publishable_key=stripe_keys.PUBLISHABLE_KEY, stripe_test=True,
        stripe_webhook_secret=stripe_keys.WEBHOOK_SECRET, stripe_api_base=f"http://127.0.0.1:{port}",
    )  # fmt: skip
    return settings, [ProcessSpec(name="stripe", command=[*command, "--webhook-url", url])]


def _supervise(settings: Settings) -> None:
    """Runs the processes until Ctrl-C, SIGTERM, SIGHUP or the end of the API. Restarts worker and tick: selling needs neither."""
    settings, more = _stand_in_for_stripe(settings)
    specs = [
        ProcessSpec(
            name=name, command=[sys.executable, *shlex.split(command)[1:]], essential=name == "api",
            environment=_own_environment(name, settings),
        )
        for name, command in COMMANDS.items()
    ]  # fmt: skip
    supervisor = Supervisor(
        [*more, *specs], environment=_environment(settings), output=sys.stdout, as_json=settings.log_format == "json"
    )
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: supervisor.stop())
    threading.Thread(target=_print_welcome, args=[settings], daemon=True).start()
    if reason := supervisor.run():
        raise StackError(f"The process {reason}, see above. Everything was stopped.")


def _environment(settings: Settings) -> dict[str, str]:
    """Of the processes, which connect as the runtime role. No load balancer has to notice that
    the API stops: so it need not drain."""
    url = settings.runtime_database_url or settings.database_url
    runs_as = dataclasses.replace(settings, database_url=url, runtime_database_url="")
    return {**os.environ, **runs_as.to_env(), "DRAIN_SECONDS": "0", "PYTHONUNBUFFERED": "1"}


def _own_environment(name: str, settings: Settings) -> dict[str, str]:
    """The worker's metrics are at METRICS_PORT, the tick's at the next one."""
    return {"METRICS_PORT": str(settings.metrics_port + 1)} if name == "tick" and settings.metrics_port else {}


def _print_welcome(settings: Settings) -> None:
    """Prints the address as soon as the API is ready."""
    while not responds_ok(settings.host, settings.port, "/ready"):
        time.sleep(0.1)
    lines = [f"Seatledger is at {settings.server_url}, the API's documentation at {settings.server_url}/docs. Ctrl-C stops it."]
    if settings.demo:
        lines.append("Demo: admin@, organizer@, auditor@, alice@ and bob@example.test, password demo-password.")
    if settings.stripe_api_base:
        lines.append("Cards are taken by a stand-in for Stripe: 4242 4242 4242 4242 pays, 4000 0000 0000 0002 is refused.")
    if settings.demo == "public":
        lines.append(f"DEMO=public: everybody who can reach {settings.host}:{settings.port} can log in as its admin.")
    print("\n" + "\n".join(f"  {line}" for line in lines) + "\n", flush=True)
