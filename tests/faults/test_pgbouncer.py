"""PgBouncer between Seatledger and PostgreSQL is refused at the start, in one sentence, however it is configured."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from devstack.readiness import free_port, wait_until
from devstack.server_files import temporary_directory
from devstack.server_user import server_identity
from ledger.database_check import check_database
from ledger.settings import Settings, SettingsError
from tests import tools
from tests.running_system import ROOT, system_settings
from tests.soak import SOAK

pytestmark = pytest.mark.skipif(not SOAK, reason="it needs pgbouncer, which `make soak` installs")

SECONDS = 10.0
CONFIG = """
[databases]
* = host={server[host]} port=5432 user={server[user]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
ignore_startup_parameters = {ignored}
"""


@contextmanager
def pgbouncer(database_url: str, mode: str, ignored: str) -> Iterator[str]:
    """Its URL for the same database."""
    program, server = tools.find("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin"), conninfo_to_dict(database_url)
    port = free_port()
    with temporary_directory() as directory:
        config = directory / "pgbouncer.ini"
        config.write_text(CONFIG.format(server=server, own_port=port, mode=mode, ignored=ignored))
        config.chmod(0o644)
        process = subprocess.Popen([program, "-q", config], cwd="/", stderr=subprocess.DEVNULL, **server_identity())
        try:
            url = f"postgresql://{server['user']}@127.0.0.1:{port}/{server['dbname']}"
            assert wait_until(lambda: is_listening(port), SECONDS)
            yield url
        finally:
            process.terminate()
            process.wait(10)


def is_listening(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize("ignored", ["extra_float_digits", "options"])
def test_pooler_is_refused(database_url: str, mode: str, ignored: str) -> None:
    with pgbouncer(database_url, mode, ignored) as url:
        with pytest.raises(SettingsError, match=r"^DATABASE_URL leads to a connection pooler"):
            check_database(Settings(database_url=url, allow_unsafe_database=True))
        with pytest.raises(SettingsError, match=r"^DATABASE_READ_URL leads to a connection pooler"):
            check_database(Settings(database_url=database_url, database_read_url=url, allow_unsafe_database=True))


@pytest.mark.parametrize("process", [("app",), ("workers", "worker")])
def test_processes_say_so_and_end(database_url: str, redis_url: str, tmp_path: Path, process: tuple[str, ...]) -> None:
    with pgbouncer(database_url, "transaction", "options") as url:
        environment = {**os.environ, **system_settings(url, redis_url, tmp_path).to_env()}
        command = [sys.executable, "-m", *process]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("DATABASE_URL leads to a connection pooler")
    assert len(done.stderr.splitlines()) == 1
