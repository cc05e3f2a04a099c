"""PostgreSQL servers of a test's own, of production's settings, and a small disk."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

import migrations
from devstack.server_files import server_programs
from devstack.server_user import grant_access, run_as_server
from devstack.servers import own_postgres


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
        """Changes a setting of the running server; empty: back to the default."""
        self.sql(f"ALTER SYSTEM SET {name} = '{value}'" if value else f"ALTER SYSTEM RESET {name}", "SELECT pg_reload_conf()")

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


@contextmanager
def primary(directory: Path, **changes: str) -> Iterator[Primary]:
    with own_postgres(directory, changes=changes) as url:
        migrations.upgrade(url)
        yield Primary(url)


@contextmanager
def small_disk(at: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own. It takes root."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", at], check=True)  # noqa: S607 (Debian's)
    try:
        yield at
    finally:
        subprocess.run(["umount", at], check=True)  # noqa: S607
