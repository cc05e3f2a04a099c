"""Fixtures with real servers, shared by all processes of a run; a new database and an empty Redis for each test.

They are our own, in a directory that goes afterwards, or those of DATABASE_URL and REDIS_URL. There, only databases named
`seatledger_test_…` are made and dropped, and only Redis databases that were empty are used.
"""

import itertools
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import redis
from psycopg import sql

import migrations
from ledger import gc_tuning
from ledger.settings import Settings
from tests import own_servers

pytest_plugins = ["tests.running_system", "tests.browsers", "tests.order"]

_DIRECTORY = pytest.StashKey[Path]()
_CLEANUP = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """The directory is the run's: made by the one process that starts the others, which get its name from it."""
    if (worker := getattr(config, "workerinput", None)) is not None:
        config.stash[_DIRECTORY] = Path(worker["seatledger_directory"])
        return
    cleanup = config.stash[_CLEANUP] = ExitStack()
    config.stash[_DIRECTORY] = cleanup.enter_context(own_servers.directory())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["seatledger_directory"] = str(node.config.stash[_DIRECTORY])


def pytest_collection_finish() -> None:
    """The collected tests stay in memory: to search them for garbage again and again took 8 % of these processes' CPU."""
    gc_tuning.tune()


def pytest_unconfigure(config: pytest.Config) -> None:
    if (cleanup := config.stash.get(_CLEANUP, None)) is None:
        return
    given, directory = os.environ.get("DATABASE_URL"), config.stash[_DIRECTORY]
    if given and _template_note(directory).exists():
        with closing(PostgresServer(given, _prefix(directory))) as server:
            server.drop_all()
    cleanup.close()


class PostgresServer:
    """Makes and drops databases whose names start with `prefix`."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url, self.prefix = url, prefix

    @cached_property
    def _connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True)

    @cached_property
    def _strategy(self) -> sql.SQL:
        """To copy files is quicker where the checkpoint before and after it need not reach the disk."""
        ((fsync,),) = self._execute(sql.SQL("SHOW fsync"))
        return sql.SQL("FILE_COPY" if fsync == "off" else "WAL_LOG")

    def create(self, name: str, template: str = "template0") -> str:
        names = map(sql.Identifier, (self.prefix + name, template))
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(*names, self._strategy))
        return self.url_of(name)

    def url_of(self, name: str) -> str:
        return urlsplit(self.url)._replace(path=f"/{self.prefix}{name}").geturl()

    def drop(self, name: str) -> None:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.prefix + name))
        for _ in range(50):
            try:
                self._execute(statement)
            except psycopg.errors.InsufficientPrivilege:  # the server's own autovacuum is in it, which only it may end
                time.sleep(0.1)
            else:
                return
        self._execute(statement)

    def back_up(self, url: str) -> str:
        """The name of a copy of this database, whose connections are cut."""
        name = f"backup_{uuid4().hex[:8]}"
        with self.closed(url):
            self.create(name, self.prefix + self._name_of(url))
        return name

    def restore(self, url: str, backup: str) -> None:
        """Puts the copy in the place of this database, under the processes that use it."""
        name = self._name_of(url)
        with self.closed(url):
            self.drop(name)
            names = map(sql.Identifier, (self.prefix + backup, self.prefix + name))
            self._execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))

    def _name_of(self, url: str) -> str:
        return urlsplit(url).path.removeprefix(f"/{self.prefix}")

    @contextmanager
    def closed(self, url: str) -> Iterator[None]:
        """While it lasts nobody can connect to this database."""
        name = self._name_of(url)
        database = sql.Identifier(self.prefix + name)
        self._execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(database))
        self._execute(
            sql.SQL("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}").format(self.prefix + name)
        )
        try:
            yield
        finally:
            self._execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(database))

    def drop_all(self) -> None:
        for (name,) in self._execute(sql.SQL("SELECT datname FROM pg_database WHERE starts_with(datname, {})").format(self.prefix)):
            self.drop(name.removeprefix(self.prefix))

    def close(self) -> None:
        self._connection.close()

    def _execute(self, statement: sql.SQL | sql.Composed) -> list[Any]:
        cursor = self._connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


class FreshDatabases:
    """Copies of one template. While a test uses one, a thread makes the next and drops the last."""

    def __init__(self, server: PostgresServer, template: str, names: Iterator[str]) -> None:
        self._server, self._template, self._names = server, template, names
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="databases")
        self._next = self._thread.submit(self._make)
        self._drops: list[Future[None]] = []

    def take(self) -> str:
        name = self._next.result()
        self._next = self._thread.submit(self._make)
        return name

    def drop(self, name: str) -> None:
        self._drops.append(self._thread.submit(self._server.drop, name))

    def close(self) -> None:
        """Raises what a drop raised."""
        self.drop(self._next.result())
        self._thread.shutdown()
        for drop in self._drops:
            drop.result()

    def _make(self) -> str:
        name = next(self._names)
        self._server.create(name, self._template)
        return name


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    directory = pytestconfig.stash[_DIRECTORY]
    url = os.environ.get("DATABASE_URL") or own_servers.urls(directory)[0]
    with closing(PostgresServer(url, _prefix(directory))) as server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgres_server: PostgresServer, pytestconfig: pytest.Config) -> str:
    """Name of a database that the real migrations made, once a run, to copy each test's from. Nobody may be connected to it."""
    note = _template_note(pytestconfig.stash[_DIRECTORY])
    with own_servers.locked(note.with_suffix(".lock")):
        if not note.exists():
            url = postgres_server.create("template")
            migrations.upgrade(url, runtime_database_url=own_servers.runtime_url(url))
            note.touch()
    return f"{postgres_server.prefix}template"


@pytest.fixture(scope="session")
def _database_names() -> Iterator[str]:
    return (f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{number}" for number in itertools.count(1))


@pytest.fixture(scope="session")
def _fresh_databases(
    postgres_server: PostgresServer, template_database: str, _database_names: Iterator[str]
) -> Iterator[FreshDatabases]:
    with closing(FreshDatabases(postgres_server, template_database, _database_names)) as databases:
        yield databases


@pytest.fixture
def database_url(postgres_server: PostgresServer, _fresh_databases: FreshDatabases) -> Iterator[str]:
    """A migrated, empty database of this test's own. Connections that are still open at its end are closed."""
    name = _fresh_databases.take()
    yield postgres_server.url_of(name)
    _fresh_databases.drop(name)


@pytest.fixture
def empty_database_url(postgres_server: PostgresServer, _database_names: Iterator[str]) -> Iterator[str]:
    """A database before the first migration."""
    name = next(_database_names)
    yield postgres_server.create(name)
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def _redis_share(pytestconfig: pytest.Config) -> list[str]:
    """The databases of this process. The first is the running system's, whose worker takes whatever comes there."""
    given = os.environ.get("REDIS_URL")
    url = given or own_servers.urls(pytestconfig.stash[_DIRECTORY])[1]
    with redis.Redis.from_url(url) as client:
        count = int(client.config_get("databases")["databases"])
    worker, workers = (int(os.environ.get(name, default).removeprefix("gw")) for name, default in _XDIST)
    share = [urlsplit(url)._replace(path=f"/{number}").geturl() for number in range(worker, count, workers)]
    share = [url for url in share if not given or _size(url) == 0]
    assert len(share) > 1, f"REDIS_URL has too few empty databases for test process {worker} of {workers}: the tests flush them."
    return share


@pytest.fixture(scope="session")
def system_redis_url(_redis_share: list[str]) -> str:
    return _redis_share[0]


@pytest.fixture(scope="session")
def _redis_urls(_redis_share: list[str]) -> Iterator[str]:
    """In turn, so that a late message of one test does not reach the next."""
    return itertools.cycle(_redis_share[1:])


@pytest.fixture
def redis_url(_redis_urls: Iterator[str]) -> Iterator[str]:
    """A Redis database, empty at the start. Channels are not a database's own: name them with its number."""
    url = next(_redis_urls)
    _flush(url)
    yield url
    _flush(url)


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """With the key of `scenario.MACS` for the ledger."""
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    (keys / "ledger.1").write_bytes(bytes(32))
    return Settings(database_url=database_url, redis_url=redis_url, data_dir=tmp_path, allow_unsafe_database=True)


_XDIST = (("PYTEST_XDIST_WORKER", "gw0"), ("PYTEST_XDIST_WORKER_COUNT", "1"))


def _prefix(directory: Path) -> str:
    return f"seatledger_test_{directory.name.rpartition('-')[2]}_"


def _template_note(directory: Path) -> Path:
    return directory / "template"


def _size(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.dbsize())


def _flush(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushdb()
