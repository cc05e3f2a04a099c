"""A shop with webhooks, and a receiver in a process of its own."""

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

import pytest
from sqlalchemy import text

from devstack.readiness import free_port
from ledger.settings import Settings
from notifications import follower
from notifications.webhooks.bodies import FactReader
from notifications.webhooks.delivery import Postman
from notifications.webhooks.secrets import WebhookSecrets
from notifications.webhooks.telling import WebhookFollower, replay
from tests.ledger import scenario as s
from tests.notifications.conftest import NOW, Shop, a_booking, shop

__all__ = ["shop"]

ROOT = Path(__file__).parent.parent.parent.parent


class WebhookReceiver:
    """tests/notifications/webhook_receiver.py"""

    def __init__(self, file: Path) -> None:
        self.port, self._file = free_port(), file

    def url(self, path: str = "/ok") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @contextmanager
    def running(self) -> Iterator[None]:
        command = [sys.executable, "-m", "tests.notifications.webhook_receiver", str(self.port), str(self._file)]
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
            assert process.poll() is None, "the receiver has ended"
            time.sleep(0.05)
        raise AssertionError("the receiver does not start")

    def requests(self, path: str | None = None) -> list[dict[str, Any]]:
        """What it got, in order."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        requests = [json.loads(line) for line in lines]
        return [request for request in requests if path in (None, request["path"])]

    def told(self, path: str | None = None) -> list[dict[str, Any]]:
        return [json.loads(request["body"]) for request in self.requests(path)]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver(tmp_path / "requests")
    with receiver.running():
        yield receiver


class Hooks:
    """The webhooks of a shop, without a worker."""

    def __init__(self, shop: Shop, keys: Path) -> None:
        self.shop, self.outcomes = shop, list[str]()
        self.secrets = WebhookSecrets(Settings(keys_dir=keys))
        self.reader = FactReader(shop.ledger)
        self.postman = Postman(shop.engine, self.secrets, allow_private=True, count=self.outcomes.append, seconds=1.0)

    def add(
        self, url: str, types: tuple[str, ...] = ("*",), owner: UUID | None = s.ORGANIZER.id, event: UUID | None = None
    ) -> UUID:
        id_ = uuid4()
        with self.shop.engine.begin() as connection:
            connection.execute(
                text("INSERT INTO webhooks (id, owner_id, event_id, url, types, secret, begins_after)"
                     " SELECT :id, :owner, :event, :url, :types, :secret, coalesce(max(notification_id), 0) FROM ledger_entries"),
                {"id": id_, "owner": owner, "event": event, "url": url, "types": list(types), "secret": self.secrets.new(id_)[1]},
            )  # fmt: skip
        return id_

    def change(self, id_: UUID, assignment: str) -> None:
        with self.shop.engine.begin() as connection:
            connection.execute(text(f"UPDATE webhooks SET {assignment} WHERE id = :id"), {"id": id_})

    def state(self, id_: UUID, columns: str = "state") -> Any:
        with self.shop.engine.connect() as connection:
            return connection.execute(text(f"SELECT {columns} FROM webhooks WHERE id = :id"), {"id": id_}).one()[0]

    def follow(self, **more: Any) -> int:
        passed = 0
        while step := follower.advance(self.shop.engine, self.shop.ledger, WebhookFollower(self.reader), now=NOW, **more):
            passed += step
        return passed

    def replay(self, **more: Any) -> int:
        passed = 0
        while step := replay(self.shop.engine, self.shop.ledger, self.reader, **more):
            passed += step
        return passed

    def serve(self) -> None:
        while self.postman.serve():
            pass

    def deliver(self) -> None:
        self.follow()
        self.serve()

    def rows(self, columns: str = "type, state, tries") -> list[tuple[Any, ...]]:
        with self.shop.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM webhook_deliveries ORDER BY number"))]

    def pass_time(self, pause: timedelta) -> None:
        with self.shop.engine.begin() as connection:
            for statement in (
                "UPDATE webhook_deliveries SET due_at = due_at - :pause, created_at = created_at - :pause",
                """UPDATE webhooks SET due_at = due_at - :pause, failing_since = failing_since - :pause,
                taken_until = taken_until - :pause, previous_until = previous_until - :pause""",
            ):
                connection.execute(text(statement), {"pause": pause})


@pytest.fixture
def hooks(shop: Shop, settings: Settings) -> Hooks:
    with shop.engine.begin() as connection:
        for actor, role in ((s.ORGANIZER, "organizer"), (s.OTHER_ORGANIZER, "organizer"), (s.ADMIN, "admin")):
            connection.execute(
                text("INSERT INTO accounts (id, name, email, role) VALUES (:id, 'X', :email, :role)"),
                {"id": actor.id, "email": f"{actor.id}@example.test", "role": role},
            )
    hooks = Hooks(shop, settings.keys)
    hooks.follow()
    return hooks


def book(hooks: Hooks, number: int = 1) -> None:
    hooks.shop.append(*(a_booking() for _ in range(number)))
