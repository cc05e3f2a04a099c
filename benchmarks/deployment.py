"""The deployment under test: servers of our own, prepared accounts, and Seatledger's three kinds of process as in production.

All its data are in one directory, which is removed at the end. Durability is on and checked: figures without it are meaningless.
"""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

import migrations
from accounts.tokens import new_token
from benchmarks import history, peers
from benchmarks.lag import take_sample
from benchmarks.load import Server
from benchmarks.machine import BenchError
from benchmarks.processes import HOST, Process, clean_environment, running_process, wait_until_responding
from devstack import servers
from devstack.readiness import free_port
from devstack.stack import COMMANDS
from ledger.changing import MAX_CAPACITY
from ledger.commands import Role
from ledger.macs import Macs
from ledger.settings import Settings
from ledger.store import Ledger

CUSTOMERS = 10_000
DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")
#: Time limit for projections to catch up after a load.
CATCH_UP_SECONDS = 180.0


@dataclass
class Deployment:
    settings: Settings
    directory: Path
    ledger: Ledger
    tokens: Path
    organizer_id: UUID
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def macs(self) -> Macs:
        return Macs.open(self.settings.keys)

    @property
    def api(self) -> Server:
        return Server(self.processes["api"], self.settings.port)

    def schedule_event(self, *, seats: int = MAX_CAPACITY) -> UUID:
        """Schedules a new Event that is on sale."""
        return history.schedule(self.ledger, self.organizer_id, ["Hot event"], seats=seats)[0]

    def customers(self) -> list[UUID]:
        """Their account ids, in the order of their tokens."""
        with self.connect() as connection:
            rows = connection.execute("SELECT id FROM accounts WHERE role = 'customer' ORDER BY email COLLATE \"C\"")
            return [row[0] for row in rows]

    def token_list(self) -> list[str]:
        return self.tokens.read_text().split()

    def organizer(self) -> tuple[UUID, str]:
        """Creates an organizer without Events; returns id and token."""
        person, (token, token_hash) = uuid4(), new_token()
        with self.connect() as connection:
            connection.execute("INSERT INTO accounts (id, name, role) VALUES (%s, 'Another', 'organizer')", (person,))
            connection.execute(
                "INSERT INTO tokens (token_hash, account_id, expires_at) VALUES (%s, %s, now() + interval '1 day')",
                (token_hash, person),
            )
        return person, token

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.settings.database_url, autocommit=True)

    @contextmanager
    def paused_workers(self) -> Iterator[None]:
        """Pauses worker and tick during the block, after all entries were projected."""
        self.wait_until_projected()
        for name in ("worker", "tick"):
            self.processes[name].pause()
        try:
            yield
        finally:
            for name in ("worker", "tick"):
                self.processes[name].resume()

    def wait_until_projected(self) -> float:
        """Waits until no entries are appended and all projections have caught up. Returns the seconds that it took."""
        began = time.monotonic()
        with self.connect() as connection:
            before = take_sample(connection)
            while time.monotonic() - began < CATCH_UP_SECONDS:
                time.sleep(0.1)
                now = take_sample(connection)
                if now.head == before.head and all(position >= now.head for position in now.positions.values()):
                    return time.monotonic() - began
                before = now
                self.check()
        behind = ", ".join(name for name, position in now.positions.items() if position < now.head)
        raise BenchError(f"Projections have not caught up within {CATCH_UP_SECONDS:.0f} s: {behind}.")

    def check(self) -> None:
        """Raises BenchError if one of the processes has ended."""
        for process in self.processes.values():
            process.check()


@contextmanager
def start_deployment(directory: Path) -> Iterator[Deployment]:
    """Starts servers and processes in this directory, and ends them after the block. Raises BenchError, ServerError."""
    with ExitStack() as stack:
        postgres = stack.enter_context(servers.own_postgres(directory / "postgresql"))
        redis_url = stack.enter_context(servers.own_redis(directory / "redis"))
        settings = Settings(
            database_url=postgres,
            redis_url=redis_url,
            data_dir=directory,
            port=free_port(),
            host=HOST,
            demo=False,
            verify_hours=0,
            drain_seconds=0,
            commands_per_minute=0,  # the load comes from one address
            commands_per_minute_address=0,
            holds_per_account=0,
            holds_per_address=0,
            connections_per_address=0,
            streams_per_address=0,
            webhooks_allow_private=True,
        )
        deployment = stack.enter_context(_prepared_database(settings, directory))
        for name in COMMANDS:
            deployment.processes[name] = stack.enter_context(start_process(settings, name, directory / f"{name}.log"))
        wait_until_responding(deployment.processes["api"], settings.port, "/ready")
        deployment.schedule_event()
        deployment.wait_until_projected()  # shows that the worker projects
        yield deployment


@contextmanager
def separate_database(deployment: Deployment, name: str, *, event_cache_bytes: int) -> Iterator[Deployment]:
    """Another database on the same servers, with accounts but no bookings, and without processes."""
    directory = deployment.directory / name
    directory.mkdir()
    settings = dataclasses.replace(
        deployment.settings,
        database_url=new_database(deployment.settings.database_url, name),
        redis_url=urlsplit(deployment.settings.redis_url)._replace(path="/1").geturl(),
        data_dir=directory,
        event_cache_bytes=event_cache_bytes,
    )
    with _prepared_database(settings, directory) as prepared:
        yield prepared


@contextmanager
def _prepared_database(settings: Settings, directory: Path) -> Iterator[Deployment]:
    migrations.upgrade(settings.database_url)
    with closing(Ledger(settings.database_url, Macs.open(settings.keys))) as ledger:
        tokens = directory / "tokens"
        yield Deployment(settings, directory, ledger, tokens, _insert_accounts(settings.database_url, tokens))


@contextmanager
def start_process(settings: Settings, name: str, log: Path) -> Iterator[Process]:
    """One of Seatledger's three kinds of process, as `make run` starts it; the API also collects garbage on a signal."""
    command = COMMANDS[name].split()[1:]
    if name == "api":
        command[:1] = ["-m", "benchmarks.gc_on_signal"]
    with running_process(name, command, {**clean_environment(), **settings.to_env()}, log) as process:
        yield process


@contextmanager
def additional_api(settings: Settings) -> Iterator[Server]:
    """An additional API process with these settings and a port of its own, ready to respond."""
    settings = dataclasses.replace(settings, port=free_port())
    with start_process(settings, "api", settings.data_dir / f"api-{settings.port}.log") as process:
        wait_until_responding(process, settings.port, "/ready")
        yield Server(process, settings.port)


def durability(database_url: str) -> dict[str, str]:
    """PostgreSQL's settings for durability. Raises BenchError if it could lose confirmed transactions."""
    with psycopg.connect(database_url) as connection:
        values = {name: _current_setting(connection, name) for name in (*DURABILITY, "wal_sync_method", "server_version")}
    off = [name for name in DURABILITY if values[name] != "on"]
    if off:
        raise BenchError(f"PostgreSQL has {', '.join(off)} off: figures without durability mean nothing.")
    return values


def _current_setting(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row
    return str(row[0])


def _insert_accounts(database_url: str, tokens: Path) -> UUID:
    """Inserts logged-in customers as rows: 10,000 log-ins with Argon2id would take ten minutes. Returns an organizer's id."""
    organizer_id = uuid4()
    people = [(organizer_id, "Organizer", "organizer@example.test", Role.ORGANIZER)]
    people += [(uuid4(), f"Customer {n}", f"customer-{n:05}@example.test", Role.CUSTOMER) for n in range(CUSTOMERS)]
    sessions = [(account_id, *new_token()) for account_id, *_ in people[1:]]
    expires_at = datetime.now(UTC) + timedelta(days=1)
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY accounts (id, name, email, role) FROM STDIN") as copy:
            for person in people:
                copy.write_row(person)
        with cursor.copy("COPY tokens (token_hash, account_id, expires_at) FROM STDIN") as copy:
            for account_id, _, token_hash in sessions:
                copy.write_row((token_hash, account_id, expires_at))
    tokens.write_text("".join(f"{token}\n" for _, token, _ in sessions))
    return organizer_id


@contextmanager
def start_peer_with_database(deployment: Deployment, name: str) -> Iterator[tuple[Server, str]]:
    """A running peer, and the URL of its database ('' for a peer without one)."""
    url = ""
    if name in peers.WITH_DATABASE:
        url = new_database(deployment.settings.database_url, f"peer_{name}_{uuid4().hex[:8]}")
        with psycopg.connect(url) as connection:
            connection.execute(peers.SCHEMA)
        durability(url)
    with start_peer(deployment, name, url) as server:
        yield server, url


@contextmanager
def start_peer(deployment: Deployment, name: str, url: str) -> Iterator[Server]:
    port = free_port()
    environment = {**clean_environment(), "DATABASE_URL": url, "PORT": str(port)}
    with running_process(name, ["-m", "benchmarks.peers", name], environment, deployment.directory / f"{name}.log") as process:
        wait_until_responding(process, port, "/openapi.json")
        yield Server(process, port)


def new_database(server_url: str, name: str) -> str:
    """Creates a database and returns its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()
