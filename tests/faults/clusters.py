"""PostgreSQL servers of a test's own, of production's settings, and a small disk."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

import migrations
from devstack.server_files import server_programs
from devstack.server_user import grant_access, run_as_server
from devstack.servers import own_postgres
from tests.faults.postgres_processes import postgres_processes, signal_all
from tests.workers.deployment import wait_until


class Primary:
    """A migrated PostgreSQL in a directory that the servers' user can enter."""

    def __init__(self, url: str) -> None:
        self.url = url

    def sql(self, *statements: str) -> list[Any]:
        """The rows of the last statement."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def set(self, name: str, value: str) -> None:
        """Changes a setting of the running server; empty: back to the default. It holds when this returns."""
        [(loaded,)] = self.sql("SELECT pg_conf_load_time()")
        self.sql(f"ALTER SYSTEM SET {name} = '{value}'" if value else f"ALTER SYSTEM RESET {name}", "SELECT pg_reload_conf()")
        wait_until(lambda: self.sql("SELECT pg_conf_load_time()") != [(loaded,)], "the server has read its configuration")
        self.sql("CHECKPOINT")  # its process says for all whether commits wait for a standby: it has read it now, too

    @contextmanager
    def standby(self, directory: Path) -> Iterator["Primary"]:
        """A hot standby of this server, which may be promoted."""
        self.copy_to(directory)
        with own_postgres(directory) as url:
            yield Primary(url)

    def copy_to(self, directory: Path) -> None:
        """Makes the data of a standby in a new directory."""
        directory.mkdir()
        grant_access(directory)
        copy = ("-h", self.host, "-U", "seatledger", "-D", directory / "data", "-R", "-X", "stream", "-c", "fast")
        made = run_as_server(server_programs().postgres("pg_basebackup"), *copy)
        assert made.returncode == 0, made.stderr

    @property
    def host(self) -> str:
        """The directory of its socket."""
        (host,) = parse_qs(urlsplit(self.url).query)["host"]
        return host


class Server(Primary):
    """One that can be killed and started again. `home`: its directory, and that of its socket."""

    def __init__(self, home: Path) -> None:
        super().__init__("")
        self.home = home
        self._running = ExitStack()

    def start(self) -> None:
        self.url = self._running.enter_context(own_postgres(self.home))
        assert self.host == str(self.home), "the socket of a deep directory is elsewhere each time"

    def stop(self) -> None:
        self._running.close()

    def kill(self) -> None:
        """As its host would end: every process at once."""
        self.signal(signal.SIGKILL)
        self.stop()

    def signal(self, number: signal.Signals) -> None:
        """To every process of it."""
        signal_all(postgres_processes(self.home / "data"), number)

    def timeline(self) -> int | None:
        """Of a primary: each promotion begins a new one. None: it is a standby, or does not run."""
        try:
            [(is_standby, timeline)] = self.sql("SELECT pg_is_in_recovery(), left(pg_walfile_name('0/0'), 8)")
        except psycopg.Error:
            return None
        return None if is_standby else int(timeline, 16)


@contextmanager
def primary(directory: Path, **changes: str) -> Iterator[Primary]:
    with own_postgres(directory, changes=changes) as url:
        migrations.upgrade(url)
        yield Primary(url)


@contextmanager
def small_disk(at: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own. It takes root."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", at], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", at], check=True)
