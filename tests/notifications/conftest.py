"""A ledger with customers who have addresses, and an SMTP server in a process of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Engine, NullPool, create_engine, text

from devstack.readiness import free_port
from ledger import entries as e
from ledger.commands import Actor, Role
from ledger.store import Ledger, sqlalchemy_url
from notifications import mail_follower
from projections.engine import catch_up
from projections.registry import PROJECTORS
from tests.ledger import scenario as s
from tests.ledger import storage

ROOT = Path(__file__).parent.parent.parent
#: Soon after the entries of the examples.
NOW = s.BEFORE + timedelta(hours=1)


class Shop:
    """A ledger, its projections and its outbox."""

    def __init__(self, url: str, ledger: Ledger, engine: Engine) -> None:
        self.url, self.ledger, self.engine = url, ledger, engine
        self._versions: dict[UUID, int] = {}

    def add_account(self, id_: UUID | None, email: str, name: str = "Alice") -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "INSERT INTO accounts (id, name, email, role, email_proven_at) VALUES (%s, %s, %s, 'customer', now())",
                (id_, name, email),
            )

    def add_contact(self, email: str, name: str = "Wanda") -> Actor:
        """A customer of the box office."""
        id_ = uuid4()
        with psycopg.connect(self.url) as connection:
            sql = "INSERT INTO accounts (id, name, contact_email, contact_of, role) VALUES (%s, %s, %s, %s, 'customer')"
            connection.execute(sql, (id_, name, email, s.ORGANIZER.id))
        return Actor(id_, Role.CUSTOMER)

    def claim(self, contact: Actor, account: Actor) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("UPDATE accounts SET claimed_by = %s WHERE id = %s", (account.id, contact.id))

    def erase(self, id_: UUID | None) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("UPDATE accounts SET name = 'erased', email = NULL WHERE id = %s", (id_,))

    def append(self, *entries: e.Entry, stream: UUID = s.EVENT) -> None:
        """Appends the entries and projects them."""
        first = self._versions.get(stream, 0) + 1
        run = [e.RecordedEntry(stream, version, entry) for version, entry in enumerate(entries, first)]
        self._versions[stream] = first + len(run) - 1
        storage.append(self.ledger, run)
        self.project()

    def project(self) -> None:
        for projector in PROJECTORS.values():
            catch_up(self.engine, self.ledger, projector)

    def follow(self, **more: Any) -> int:
        """Lets the follower pass all that there is, and returns how many entries that was."""
        passed = 0
        while step := mail_follower.advance(self.engine, self.ledger, now=NOW, **more):
            passed += step
        return passed

    def position(self, name: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT position FROM projections WHERE name = :name"), {"name": name}).scalar_one())

    def rows(self, columns: str = "kind, recipient_id") -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM outbox ORDER BY number"))]


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    """With an event, which nobody is told about, and the accounts of Alice and Bob."""
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    ledger = Ledger(database_url, storage.MACS)
    shop = Shop(database_url, ledger, engine)
    shop.add_account(s.ALICE.id, "alice@example.test")
    shop.add_account(s.BOB.id, "bob@example.test", "Bob")
    shop.append(s.scheduled())
    assert shop.follow() == 0  # it begins at the head
    yield shop
    ledger.close()
    engine.dispose()


class MailServer:
    """tests/notifications/mail_server.py"""

    def __init__(self, file: Path) -> None:
        self.port, self._file = free_port(), file
        self.url = f"smtp://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        command = [sys.executable, "-m", "tests.notifications.mail_server", str(self.port), str(self._file)]
        with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
            try:
                self._wait(process)
                yield
            finally:
                process.terminate()

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            assert process.poll() is None, "the SMTP server has ended"
            time.sleep(0.05)
        raise AssertionError("the SMTP server does not start")

    def mails(self) -> list[dict[str, Any]]:
        """What it took, in order."""
        return [json.loads(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    server = MailServer(tmp_path / "mails")
    with server.running():
        yield server


def a_booking(customer: Any = s.ALICE, quantity: int = 1) -> e.SeatsBooked:
    return s.booked(customer, s.general(quantity), booking=uuid4())
