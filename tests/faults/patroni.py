"""Two PostgreSQL servers under Patroni and etcd on loopback, the standby synchronous: the one replaces the other if that fails."""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import yaml

from devstack.child_process import ending_with_parent
from devstack.server_files import server_programs
from devstack.server_user import grant_access, server_identity
from tests import tools
from tests.faults.postgres_processes import family, postgres_processes, signal_all
from tests.running_system import free_port

START_SECONDS = 90.0
USER, DATABASE = "seatledger", "seatledger"
#: Patroni's shortest ttl: how long after a frozen host's last sign of life the other one may be promoted.
TTL_SECONDS = 20
LOOP_SECONDS, RETRY_SECONDS = 2, 5

#: The first digits of a segment's name are the timeline's.
_TIMELINE = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END"


@dataclass(frozen=True)
class Member:
    """A host: a PostgreSQL and the Patroni that runs it."""

    name: str
    home: Path
    port: int
    api_port: int
    patroni: psutil.Popen
    password: str

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def postgres(self) -> list[psutil.Process]:
        """The server's processes, its first one first; none while it does not run. They are no children of Patroni."""
        return postgres_processes(self.home / "data")

    def host(self) -> list[psutil.Process]:
        return [*family(self.patroni.pid)[:1], *self.postgres()]

    def timeline(self) -> int | None:
        """Of a primary: each promotion begins a new one. None: it is a standby, or does not say so within a second."""
        try:
            with psycopg.connect(
                host="127.0.0.1", port=self.port, user=USER, password=self.password, dbname="postgres", connect_timeout=1
            ) as connection:
                row = connection.execute(_TIMELINE).fetchone()
        except psycopg.Error:
            return None
        return int(row[0], 16) if row and row[0] else None


class PatroniCluster:
    def __init__(self, members: list[Member]) -> None:
        self.members = members

    @property
    def url(self) -> str:
        """DATABASE_URL: both hosts, of which the primary is to be found."""
        return self._url("read-write")

    @property
    def read_url(self) -> str:
        """DATABASE_READ_URL: the standby, or the primary while there is no standby."""
        return self._url("prefer-standby")

    def _url(self, session: str) -> str:
        hosts = ",".join("127.0.0.1" for _ in self.members)
        ports = ",".join(str(member.port) for member in self.members)
        password = self.members[0].password
        return f"postgresql://{USER}:{password}@/{DATABASE}?host={hosts}&port={ports}&target_session_attrs={session}"

    @property
    def primary(self) -> Member | None:
        """The one with the newest timeline; None while there is none."""
        timelines = [(timeline, member) for member in self.members if (timeline := member.timeline()) is not None]
        return max(timelines, key=itemgetter(0))[1] if timelines else None

    @property
    def standby(self) -> Member:
        """The other one."""
        primary = self.primary
        return next(member for member in self.members if member is not primary)

    def states(self) -> list[dict[str, Any]]:
        """What each Patroni says; empty of one that does not respond."""
        return [_ask(member) for member in self.members]

    def has_synchronous_standby(self) -> bool:
        states = self.states()
        return all(state.get("state") == "running" for state in states) and any(state.get("sync_standby") for state in states)

    def wait_until_whole(self, seconds: float = START_SECONDS) -> None:
        """Until both run and the standby is synchronous."""
        deadline = time.monotonic() + seconds
        while not self.has_synchronous_standby():
            assert time.monotonic() < deadline, (
                self.states(),
                [(member.home / "log").read_text()[-2000:] for member in self.members],
            )
            time.sleep(0.1)

    def switch_over(self) -> str:
        """Asks Patroni to make the synchronous standby the primary; what it says."""
        leader = self.primary
        if leader is None:
            return "no primary"
        try:
            return httpx.post(f"{leader.api}/switchover", json={"leader": leader.name}, timeout=30).text
        except httpx.TransportError as error:
            return repr(error)


def _ask(member: Member) -> dict[str, Any]:
    try:
        state: dict[str, Any] = httpx.get(f"{member.api}/patroni", timeout=1).json()
    except (httpx.TransportError, ValueError):
        return {}
    return state


@contextmanager
def patroni_cluster(directory: Path) -> Iterator[PatroniCluster]:
    """`directory`: one that the servers' user can enter. The database is empty."""
    patroni, etcd = tools.find("patroni"), tools.find("etcd")
    with ExitStack() as stack:
        etcd_port = stack.enter_context(_etcd(etcd, directory))
        password = secrets.token_hex(16)
        members = [stack.enter_context(_member(patroni, directory / f"pg{n}", etcd_port, password)) for n in (1, 2)]
        cluster = PatroniCluster(members)
        cluster.wait_until_whole()
        with psycopg.connect(cluster.url.replace(f"/{DATABASE}?", "/postgres?"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())
        yield cluster


@contextmanager
def _etcd(program: str, directory: Path) -> Iterator[int]:
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    urls = {
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
    }
    options = [part for name, url in urls.items() for part in (f"--{name}", url)]
    command = [program, "--enable-v2", "--data-dir", str(directory / "etcd"), *options]
    with (directory / "etcd.log").open("wb") as output:
        process = subprocess.Popen(ending_with_parent(command), stdout=output, stderr=output)
    try:
        yield int(client.rpartition(":")[2])
    finally:
        process.kill()
        process.wait()


@contextmanager
def _member(program: str, home: Path, etcd_port: int, password: str) -> Iterator[Member]:
    home.mkdir()
    port, api_port = free_port(), free_port()
    config = home / "patroni.yml"
    config.write_text(yaml.safe_dump(_configuration(home, port, api_port, etcd_port, password)))
    grant_access(home)
    identity = server_identity()
    if identity:
        os.chown(config, 0, identity["group"])
    config.chmod(0o640 if identity else 0o600)
    with (home / "log").open("wb") as output:
        command = ending_with_parent([program, str(config)], signal.SIGTERM)
        process = psutil.Popen(command, stdout=output, stderr=output, cwd=home, start_new_session=True, **identity)
    member = Member(home.name, home, port, api_port, process, password)
    try:
        yield member
    finally:
        for number in (signal.SIGCONT, signal.SIGTERM):
            signal_all(member.host(), number)
        try:
            process.wait(30)
        except psutil.TimeoutExpired:
            signal_all(member.host(), signal.SIGKILL)
            process.wait()


#: The v2 API of etcd. Over the v3 one, Patroni before 3.0.3 (Debian 12 has 3.0.2) lets a former leader that was frozen take the
#: lock from its successor (github.com/patroni/patroni/pull/2689), whose bookings are then lost: 398 in two rounds.
_ETCD = "etcd"


def _configuration(home: Path, port: int, api_port: int, etcd_port: int, password: str) -> dict[str, Any]:
    """Patroni's defaults, but for what makes it quick: a crashed primary is replaced at once, and nothing waits for a minute."""
    users = {"superuser": USER, "replication": "replicator", "rewind": "rewinder"}
    return {
        "scope": "seats",
        "name": home.name,
        "restapi": {"listen": f"127.0.0.1:{api_port}", "connect_address": f"127.0.0.1:{api_port}"},
        _ETCD: {"hosts": f"127.0.0.1:{etcd_port}"},
        "bootstrap": {
            "dcs": {
                "ttl": TTL_SECONDS,
                "loop_wait": LOOP_SECONDS,
                "retry_timeout": RETRY_SECONDS,
                "primary_start_timeout": 0,
                "synchronous_mode": True,
                "postgresql": {
                    "use_pg_rewind": True,
                    "parameters": {"max_connections": 150, "wal_keep_size": "256MB", "wal_sender_timeout": "5s"},
                },
            },
            "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
        },
        "postgresql": {
            "listen": f"127.0.0.1:{port}",
            "connect_address": f"127.0.0.1:{port}",
            "data_dir": str(home / "data"),
            "bin_dir": str(server_programs().postgres("postgres").parent),
            "pgpass": str(home / "pgpass"),
            "authentication": {part: {"username": user, "password": password} for part, user in users.items()},
            "parameters": {"unix_socket_directories": "", "shared_buffers": "128MB"},
            "pg_hba": ["host all all 127.0.0.1/32 scram-sha-256", "host replication all 127.0.0.1/32 scram-sha-256"],
        },
    }
