"""What operators ask: how far mail and webhooks are, and what is held since a restore."""

import os
import subprocess
import sys

from sqlalchemy import text

from ledger.settings import Settings
from projections.proof import backup
from tests.notifications.conftest import a_booking
from tests.notifications.webhooks.conftest import Hooks, WebhookReceiver, hooks, receiver

__all__ = ["hooks", "receiver"]


def run(settings: Settings, *arguments: str) -> str:
    command = [sys.executable, "-m", "notifications", *arguments]
    done = subprocess.run(command, env={**os.environ, **settings.to_env()}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_status_names_webhooks_that_fail(settings: Settings, hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.add(receiver.url())
    failing = hooks.add(receiver.url("/error?key=secret"))
    hooks.change(failing, f"url = '{receiver.url('/error')}'")
    hooks.shop.append(a_booking())
    hooks.shop.follow()
    hooks.deliver()
    mail, webhooks, failed = run(settings, "status").splitlines()
    head = hooks.shop.ledger.head()
    assert mail == f"Mail has told about the ledger up to position {head}. Messages: 1 due."
    assert webhooks == (
        f"Webhooks have told about the ledger up to position {head}. Webhooks: 2 active. Deliveries: 1 due, 1 sent."
    )
    assert failed.startswith(f"active: {failing} at 127.0.0.1 has failed since ")
    assert failed.endswith("It answered 500.")


def test_status_before_anything_has_begun(settings: Settings) -> None:
    assert run(settings, "status").splitlines() == [
        "Mail has not begun: no worker with MAIL_URL has run.", "Webhooks have not begun: no worker has run."
    ]  # fmt: skip


def test_what_was_due_is_held_after_a_restore(settings: Settings, hooks: Hooks, receiver: WebhookReceiver) -> None:
    id_ = hooks.add(receiver.url())
    hooks.shop.append(a_booking())
    hooks.follow()
    hooks.change(id_, "replay_from = 1, replay_until = 1")
    backup._hold_messages(settings)
    hooks.serve()
    assert (hooks.rows("state"), hooks.replay()) == ([("held",)], 0)
    assert receiver.requests() == []


def test_what_is_held_is_released_or_dropped(settings: Settings, hooks: Hooks, receiver: WebhookReceiver) -> None:
    hooks.add(receiver.url())
    for command, state in (("release", "due"), ("drop", "skipped")):
        hooks.shop.append(a_booking())
        hooks.follow()
        hooks.shop.follow()
        with hooks.shop.engine.begin() as connection:
            for table in ("outbox", "webhook_deliveries"):
                connection.execute(text(f"UPDATE {table} SET state = 'held' WHERE state = 'due'"))
        assert not hooks.postman.serve()
        run(settings, command)
        assert {row[0] for row in hooks.rows("state")} == {state}
        assert {row[0] for row in hooks.shop.rows("state")} == {state}
    assert run(settings, "skip").splitlines() == ["Mail is not stalled.", "Webhooks are not stalled."]
