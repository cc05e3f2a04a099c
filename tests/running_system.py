"""The whole of Seatledger as its users meet it: API, worker and tick as processes of their own, on real servers.

A pytest plugin, named in `conftest.py`: its fixtures are for every folder of tests."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest

from ledger.ownership import runtime_role
from ledger.settings import Settings
from tests.conftest import PostgresServer
from tests.forked_processes import AnyProcess, ForkedProcess
from tests.own_servers import runtime_url
from tests.quick_people import quick_people
from tests.soak import END_SECONDS

ROOT = Path(__file__).parent.parent
PASSWORD = "correct horse battery"
READY_SECONDS = 90
FRESH_SECONDS = 300
#: How long a test waits until the read side has what somebody did: a request waits for some two seconds.
SEEN_SECONDS = 30
LATER = "2031-05-01T19:00:00Z"
#: Of an event that is paid through Seatledger, at its box office.
ON_SITE = {"policy": "online", "methods": ["box_office"]}
ONLINE = {"policy": "online", "methods": ["demo"]}

JSON = dict[str, Any]


class Person:
    """A client with somebody's token, over a connection pool that all people share. `last`: the position of what they did last."""

    def __init__(self, http: httpx.Client, id_: str = "", token: str = "", email: str = "") -> None:
        self.http, self.id, self.email, self.token = http, id_, email, token
        self.last = "0"

    def do(self, method: str, path: str, body: JSON | None = None, *, key: str | None = None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if key is not None:
            sent["Idempotency-Key"] = key
        response = self.http.request(method, path, json=body, headers=sent)
        self.last = response.headers.get("Ledger-Position", self.last)
        return response

    def insist(self, method: str, path: str, body: JSON | None = None, *, key: str | None = None, **headers: str) -> httpx.Response:
        """As `do`; again while the read side is behind the position that is asked for, however slow the machine is."""
        deadline = time.monotonic() + SEEN_SECONDS
        while "/problems/stale-read" in (response := self.do(method, path, body, key=key, **headers)).text:
            if time.monotonic() > deadline:
                break
        return response

    def ok(self, method: str, path: str, body: JSON | None = None, *, key: str | None = None, **headers: str) -> Any:
        response = self.insist(method, path, body, key=key, **headers)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def see(self, path: str) -> Any:
        """A query that sees what this person did last."""
        return self.ok("GET", path, Ledger_Position=self.last)


class Stack:
    """A running Seatledger. `admin` is there from the start; `person` makes others. `is_forked`: its processes have the modules
    that the process of tests has imported, otherwise each imports its own, as PYTHONPATH says."""

    def __init__(self, settings: Settings, *, is_forked: bool = True, admin: str = "root@example.test") -> None:
        self.settings, self._is_forked = settings, is_forked
        self.url = f"http://127.0.0.1:{settings.port}"
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # else everybody would be whoever logged in last
        limits = httpx.Limits(max_connections=100)
        self.http = httpx.Client(base_url=self.url, timeout=30, limits=limits, cookies=no_cookies)
        self.runtime_url = settings.runtime_database_url or settings.database_url
        runs_as = dataclasses.replace(settings, database_url=self.runtime_url, runtime_database_url="")
        self._environment = {**os.environ, **runs_as.to_env()}
        self._fresh_at = time.monotonic()
        self.processes = [self.start(*command) for command in (("app",), ("workers", "worker"), ("workers", "tick"))]
        self._cleanup = ExitStack()
        try:
            wait_until_ready(self.url, *self.processes)
            self.people = self._cleanup.enter_context(quick_people(settings))
            self.admin = self._person("Root", "admin", admin)
        except BaseException:
            self.stop()
            raise

    def start(self, *module: str, **environment: str) -> AnyProcess:
        environment = {**self._environment, **environment}
        if self._is_forked:
            return ForkedProcess(module, environment)
        return subprocess.Popen([sys.executable, "-m", *module], env=environment, cwd=ROOT)

    @contextmanager
    def another_api(self, **environment: str) -> Iterator[str]:
        """Another API process on the same database; yields its URL."""
        port = free_port()
        process, url = self.start("app", PORT=str(port), **environment), f"http://127.0.0.1:{port}"
        try:
            wait_until_ready(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(END_SECONDS)

    def stop(self) -> None:
        self._cleanup.close()
        self.http.close()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(END_SECONDS)

    def pause(self) -> None:
        """Until `resume` its processes do nothing, not even look for work."""
        for process in self.processes:
            process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGCONT)

    def log_in(self, email: str) -> Person:
        answer = Person(self.http).ok("POST", "/api/login", {"email": email, "password": PASSWORD})
        return Person(self.http, answer["account"]["id"], answer["access_token"], email)

    def person(self, role: str = "customer") -> Person:
        return self._person(f"A {role}", role, f"{uuid4().hex[:12]}@example.test")

    def _person(self, name: str, role: str, email: str) -> Person:
        made = self.people.account(name, role, email, PASSWORD)
        return Person(self.http, str(made.account.id), made.token, email)

    def keep_fresh(self) -> None:
        """Tests of a long run use sessions that were begun long before: as if everybody had just given their password."""
        if time.monotonic() - self._fresh_at > FRESH_SECONDS:
            with psycopg.connect(self.settings.database_url, autocommit=True) as connection:
                connection.execute("UPDATE tokens SET authenticated_at = now()")
            self._fresh_at = time.monotonic()

    def nobody(self) -> Person:
        return Person(self.http)

    def settle(self) -> None:
        """Waits until queries without a position, such as those of a page that is opened, show everything done so far."""
        head = self.admin.ok("GET", "/api/projections")["ledger_position"]
        for path in ("/api/events?limit=1", "/api/bookings?limit=1", "/api/stats/summary"):
            self.admin.ok("GET", path, Ledger_Position=str(head))
        deadline = time.monotonic() + READY_SECONDS
        while any(
            item["position"] < head and item["state"] == "running" for item in self.admin.ok("GET", "/api/projections")["items"]
        ):
            assert time.monotonic() < deadline, "a projection stays behind"
            time.sleep(0.02)

    @contextmanager
    def only_one_admin(self) -> Iterator[None]:
        """While it lasts `admin` has no colleagues, whatever other tests made."""
        others = [one["id"] for one in self._users() if one["role"] == "admin" and one["id"] != self.admin.id]
        self._give_role(others, "customer")
        try:
            yield
        finally:
            self._give_role(others, "admin")

    def _users(self) -> Iterator[JSON]:
        after = ""
        while after is not None:
            page = self.admin.ok("GET", f"/api/users?limit=200{after and '&cursor=' + after}")
            yield from page["items"]
            after = page["next_cursor"]

    def _give_role(self, ids: list[str], role: str) -> None:
        for id_ in ids:
            self.admin.ok("PATCH", f"/api/users/{id_}", {"role": role})

    def prove_address(self, email: str) -> None:
        """As if the account's owner had opened the link of a mail, in a session of it."""
        with psycopg.connect(self.settings.database_url, autocommit=True) as connection:
            connection.execute("UPDATE accounts SET email_proven_at = now() WHERE email = %s", (email,))

    def event(self, organizer: Person, capacity: int = 10, **more: Any) -> Any:
        categories = [{"name": "General", "price": "50.00", "capacity": capacity}, {"name": "VIP", "price": "150", "capacity": 5}]
        return organizer.ok("POST", "/api/events", {"name": "Concert", "starts_at": LATER, "categories": categories, **more})


def wait_until_ready(url: str, *processes: AnyProcess, path: str = "/ready") -> None:
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(base_url=url) as client:  # to make one takes longer than to ask
        while time.monotonic() < deadline:
            assert all(process.poll() is None for process in processes), "a process of Seatledger ended by itself"
            try:
                if client.get(path).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
    raise AssertionError(f"not ready within {READY_SECONDS} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def system_settings(database_url: str, redis_url: str, data_dir: Path) -> Settings:
    """Of an operator, who has the addresses of both roles, if the database has two."""
    runtime = runtime_url(database_url) if runtime_role(database_url) else ""
    return Settings(
        port=free_port(), database_url=database_url, runtime_database_url=runtime, redis_url=redis_url, data_dir=data_dir,
        log_level="WARNING",
        login_attempts_per_minute=10_000, sign_ups_per_minute=0, guest_mails_per_hour=0, compat_apis="all", drain_seconds=0,
        allow_unsafe_database=True, verify_hours=0,  # each system would verify all that its tests wrote, beside them
        commands_per_minute=0, commands_per_minute_address=0, streams_per_address=0, webhooks_allow_private=True,
        holds_per_account=0, holds_per_address=0,
    )  # fmt: skip


_STACK = pytest.StashKey[Stack]()


@pytest.fixture(scope="session")
def stack(
    postgres_server: PostgresServer,
    template_database: str,
    system_redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> Iterator[Stack]:
    """One for all tests of a process: they make events and people of their own."""
    name = f"system_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    url = postgres_server.create(name, template_database)
    stack = pytestconfig.stash[_STACK] = Stack(system_settings(url, system_redis_url, tmp_path_factory.mktemp("system")))
    yield stack
    del pytestconfig.stash[_STACK]
    stack.resume()
    stack.stop()
    postgres_server.drop(name)


@pytest.fixture
def own_stack(postgres_server: PostgresServer, template_database: str, redis_url: str, tmp_path: Path) -> Iterator[Stack]:
    """For a test that does something to it."""
    name = f"own_{uuid4().hex[:8]}"
    stack = Stack(system_settings(postgres_server.create(name, template_database), redis_url, tmp_path))
    yield stack
    stack.stop()
    postgres_server.drop(name)


@pytest.fixture
def demo_stack(postgres_server: PostgresServer, template_database: str, redis_url: str, tmp_path: Path) -> Iterator[Stack]:
    """With the demo, whose payment provider takes no money."""
    name = f"demo_{uuid4().hex[:8]}"
    settings = system_settings(postgres_server.create(name, template_database), redis_url, tmp_path)
    stack = Stack(dataclasses.replace(settings, demo=True))
    yield stack
    stack.stop()
    postgres_server.drop(name)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """The processes of the stack look for work several times a second, which the tests that do not use it need not pay for."""
    if (stack := item.config.stash.get(_STACK, None)) is not None:
        if "stack" in getattr(item, "fixturenames", ()):
            stack.resume()
            stack.keep_fresh()
        else:
            stack.pause()


@pytest.fixture(scope="session")
def organizer(stack: Stack) -> Person:
    return stack.person("organizer")


@pytest.fixture(scope="session")
def alice(stack: Stack) -> Person:
    return stack.person()


@pytest.fixture(scope="session")
def bob(stack: Stack) -> Person:
    return stack.person()


def tickets(quantity: int = 1, category: str = "General") -> JSON:
    return {"tickets": [{"category": category, "quantity": quantity}]}


def path_of(url: str) -> str:
    return urlsplit(url).path
