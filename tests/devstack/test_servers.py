"""PostgreSQL and Redis of our own: they keep data, are durable, replace leftover servers, and report errors clearly."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from devstack.server_user import ServerError
from devstack.servers import own_postgres, own_redis, url_files
from ledger.settings import Settings

ROOT = Path(__file__).parent.parent.parent
PROGRAM = """
import pathlib, sys, time
from devstack import servers
with servers.own_postgres(pathlib.Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(60)
"""


@contextmanager
def connected(directory: Path) -> Iterator[psycopg.Connection]:
    with own_postgres(directory) as url, psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _server(directory: Path) -> psutil.Process:
    return psutil.Process(int((directory / "data" / "postmaster.pid").read_text().split()[0]))


def test_postgres_keeps_its_data(server_directory: Path) -> None:
    with connected(server_directory) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        server = _server(server_directory)
    assert not server.is_running()
    with connected(server_directory) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_postgres_is_durable_private_and_has_trigrams(server_directory: Path) -> None:
    with connected(server_directory) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        connection.execute("CREATE EXTENSION pg_trgm")
        assert connection.execute("SELECT lower('ÄÖÜ'), 'booking' % 'bookings'").fetchone() == ("äöü", True)
    assert (server_directory / "data").stat().st_mode & 0o077 == 0
    assert server_directory.stat().st_mode & 0o007 == 0


def test_postgres_starts_after_a_kill(server_directory: Path) -> None:
    lost: list[str] = []
    with own_postgres(server_directory, lost.append) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept ()")
        _server(server_directory).kill()
        _wait_for(lost)
    assert lost[0].startswith("PostgreSQL ended by itself")
    (server_directory / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n")  # now the id of another process
    with connected(server_directory) as connection:
        connection.execute("SELECT FROM kept")


def _wait_for(found: list[str]) -> None:
    deadline = time.monotonic() + 10
    while not found and time.monotonic() < deadline:
        time.sleep(0.02)
    assert found


def test_postgres_starts_in_a_path_too_long_for_a_socket(server_directory: Path) -> None:
    with connected(server_directory / ("long" * 30)) as connection:
        connection.execute("SELECT")


@pytest.mark.parametrize("name", ["with a space", 'say "it", it\'s = #1 \\', "ü", "long" * 30])
def test_redis_starts_in_a_directory_of_any_name(name: str, server_directory: Path) -> None:
    with own_redis(server_directory / name) as url, redis.Redis.from_url(url) as client:
        assert client.ping()


@pytest.mark.parametrize("name", ["with a space", 'say "it", it\'s = #1 \\', "ü%20"])
def test_postgres_starts_in_a_directory_of_any_name(name: str, server_directory: Path) -> None:
    with connected(server_directory / name) as connection:
        connection.execute("SELECT")


def test_second_seatledger_in_a_directory_is_refused(server_directory: Path) -> None:
    with (
        own_redis(server_directory),
        pytest.raises(ServerError, match=r"in use by another Seatledger\.$"),
        own_redis(server_directory),
    ):
        pass


@pytest.mark.parametrize("own_server", [own_postgres, own_redis])
def test_file_instead_of_the_directory_is_refused(
    own_server: Callable[[Path], AbstractContextManager[str]], server_directory: Path
) -> None:
    (server_directory / "file").touch()
    with (
        pytest.raises(ServerError, match=r"file/server is not writable: Not a directory\.$"),
        own_server(server_directory / "file" / "server"),
    ):
        pass


def test_server_that_does_not_start_reports_why(server_directory: Path) -> None:
    with connected(server_directory):
        pass
    (server_directory / "data" / "global" / "pg_control").unlink()
    with (
        pytest.raises(ServerError, match=r"^PostgreSQL does not start in .*: .*pg_control.*$"),
        own_postgres(server_directory),
    ):
        pass


def test_interrupted_initdb_is_repeated(server_directory: Path) -> None:
    (server_directory / "data.new").mkdir()
    (server_directory / "data.new" / "PG_VERSION").write_text("18\n")
    with connected(server_directory) as connection:
        connection.execute("SELECT")


def test_redis_is_bounded_private_and_refuses_writes_when_full(server_directory: Path) -> None:
    with own_redis(server_directory) as url, redis.Redis.from_url(url) as client:
        limits = client.config_get("maxmemory", "maxmemory-policy", "databases", "bind", "save", "appendonly")
        assert int(limits.pop("maxmemory")) == 64 * 1024 * 1024
        assert limits == {"maxmemory-policy": "noeviction", "databases": "64", "bind": "127.0.0.1", "save": "", "appendonly": "no"}
        with (
            redis.Redis(port=client.connection_pool.connection_kwargs["port"]) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
        server = psutil.Process(client.info("server")["process_id"])
    assert not server.is_running()


def test_servers_end_with_the_process_that_started_them(server_directory: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", PROGRAM, str(server_directory)], cwd=ROOT, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"up\n"
    server = _server(server_directory)
    starter.kill()
    starter.communicate()
    with connected(server_directory) as connection:  # waits for the old server
        connection.execute("SELECT")
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_other_commands_use_the_servers_of_make_run(server_directory: Path) -> None:
    bare = {"DATA_DIR": str(server_directory)}
    there = Settings(
        data_dir=server_directory, database_url="postgresql:///a", runtime_database_url="postgresql:///r", redis_url="redis:///1"
    )
    with url_files(there):
        assert Settings.of_running(bare) == there
        other = Settings.of_running({**bare, "DATABASE_URL": "postgresql:///b"})
        assert (other.database_url, other.runtime_database_url) == ("postgresql:///b", "")
        assert all(file.stat().st_mode & 0o077 == 0 for file in server_directory.glob("*_url"))
    assert Settings.of_running(bare) == Settings(data_dir=server_directory)
