"""A deployed worker process executes wake-ups. It needs neither every wake-up nor Redis all the time."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from ledger import redis_clients
from ledger.settings import Settings
from projections.registry import PROJECTORS
from projections.wake_ups import TASKS, WakeUps
from tests.running_system import free_port
from tests.workers.deployment import ROOT, Grow, position, process, redis_on, send_wake_ups, wait_until, waiting
from workers.app import LOCKED_PAUSE_SECONDS, make_app
from workers.worker import CATCH_UP_LIMIT, RemainingWork, Worker

ONE = UUID(int=0x1)


def wait_until_projected(worker: Worker, names: list[str]) -> None:
    head = worker.ledger.head()
    assert head
    wait_until(lambda: all(position(worker, name) == head for name in names), "all of them at the ledger's end")


def test_wake_up_is_executed(settings: Settings, worker: Worker, grow: Grow) -> None:
    with process(settings, "worker"):
        for _ in range(2):
            grow(ONE, 20)
            send_wake_ups(settings)
            wait_until_projected(worker, list(PROJECTORS))


MESSAGE: dict[str, Any] = {
    "body": "W10=",
    "content-encoding": "utf-8",
    "content-type": "application/json",
    "headers": {"task": "mail", "id": "1"},
    "properties": {"delivery_tag": "1", "body_encoding": "base64", "delivery_info": {}},
}
NO_HEADERS: list[Any] = [None, [], {}, {"task": []}, {"task": "none"}, {"task": "none", "id": "1"}]
NO_TAGS: list[Any] = [[], "1"]
#: Each takes the place of a part of MESSAGE.
WRONG: list[dict[str, Any]] = [
    {},
    *({"headers": headers} for headers in NO_HEADERS),
    *({"headers": {"task": "mail", "id": "1", field: "x"}} for field in ("eta", "expires", "timelimit", "retries")),
    *({"body": body} for body in (1, "%")),
    {"content-type": "application/x-python-serialize"},
    {"content-encoding": "none"},
    *({"properties": {"delivery_tag": tag, "body_encoding": "base64"}} for tag in NO_TAGS),
    {"properties": {"delivery_tag": "1", "body_encoding": "x"}},
]
#: What Seatledger never sends: no JSON, no message, and messages with one part that is wrong.
FOREIGN_MESSAGES = [
    *(b"not json", b"\xff", b"[" * 100_000, b"1", b"null", b"[]", b"{}", b'{"properties": 1}'),
    *(json.dumps(MESSAGE | wrong).encode() for wrong in WRONG),
]


def test_messages_that_nobody_can_read_are_dropped(settings: Settings, worker: Worker, grow: Grow, redis_url: str) -> None:
    with redis_clients.client(redis_url, seconds=5) as client, process(settings, "worker") as running:
        for number, message in enumerate(FOREIGN_MESSAGES):
            client.lpush("mail", message)
            wait_until(lambda: waiting(redis_url, "mail") == 0, f"message {number} is taken")
        time.sleep(0.5)
        assert running.poll() is None
        grow(ONE, 20)
        for name in TASKS:
            client.lpush(name, b"not json")
        send_wake_ups(settings)
        wait_until_projected(worker, list(PROJECTORS))
        wait_until(lambda: not any(waiting(redis_url, name) for name in TASKS), "all messages are taken")
        assert running.poll() is None


def test_projections_far_behind_are_caught_up_together(
    settings: Settings, worker: Worker, grow: Grow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(6):
        grow(ONE, CATCH_UP_LIMIT // 2)
    bookings, revenue = PROJECTORS["bookings"], PROJECTORS["revenue"]
    with monkeypatch.context() as patch:
        patch.setattr("workers.worker.JOINT_CATCH_UP_SECONDS", 0)  # so that other tasks are executed in between
        assert worker.project(bookings, [bookings, revenue]) is RemainingWork.MORE
    assert (position(worker, "bookings"), position(worker, "revenue")) == (CATCH_UP_LIMIT, 0)
    with monkeypatch.context() as patch:
        patch.setattr("workers.worker.JOINT_CATCH_UP_SECONDS", 60)  # however slow the machine is
        assert worker.project(bookings, [bookings, revenue]) is RemainingWork.NOTHING
    assert position(worker, "bookings") == position(worker, "revenue") == worker.ledger.head()
    assert position(worker, "catalogue") == 0


def test_unfinished_projection_is_woken_again(
    settings: Settings, worker: Worker, grow: Grow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        grow(ONE, CATCH_UP_LIMIT // 2)
    monkeypatch.setattr("workers.worker.JOINT_CATCH_UP_SECONDS", 0)
    app = make_app(settings, worker)
    for reached, wake_ups in (
        (CATCH_UP_LIMIT, 1),
        (worker.ledger.head(), 1),
    ):  # the second task folds less than the limit, so it sends no wake-up
        app.tasks["bookings"]()
        assert (position(worker, "bookings"), waiting(settings.redis_url, "bookings")) == (reached, wake_ups)


def test_one_wake_up_is_enough_from_far_behind(settings: Settings, worker: Worker, grow: Grow) -> None:
    for _ in range(3):
        grow(ONE, CATCH_UP_LIMIT // 2)
    send_wake_ups(settings)
    with process(settings, "worker"):
        wait_until_projected(worker, list(PROJECTORS))


def test_wake_up_of_a_locked_projection_is_sent_again(settings: Settings, worker: Worker, grow: Grow) -> None:
    with process(settings, "worker"):
        grow(ONE, 20)
        send_wake_ups(settings)
        wait_until_projected(worker, list(PROJECTORS))
        before = position(worker, "revenue")
        with worker.engine.begin() as connection:
            connection.execute(text("SELECT position FROM projections WHERE name = 'revenue' FOR UPDATE"))
            grow(ONE, 20)
            send_wake_ups(settings)
            wait_until_projected(worker, [name for name in PROJECTORS if name != "revenue"])
            time.sleep(3 * LOCKED_PAUSE_SECONDS)
            assert position(worker, "revenue") == before
        wait_until_projected(worker, list(PROJECTORS))  # without a tick


def test_tick_replaces_lost_wake_ups(settings: Settings, worker: Worker, grow: Grow) -> None:
    grow(ONE, 20)
    with process(settings, "worker"), process(settings, "tick"):
        wait_until_projected(worker, list(PROJECTORS))
        grow(ONE, 20)
        wait_until_projected(worker, list(PROJECTORS))


def test_worker_recovers_after_redis_was_unavailable(settings: Settings, worker: Worker, grow: Grow) -> None:
    port = free_port()
    settings = replace(settings, redis_url=f"redis://127.0.0.1:{port}/0")
    with redis_on(port):
        wake_ups = WakeUps(settings)
        running = process(settings, "worker")
        worker_process = running.__enter__()
        grow(ONE, 20)
        wake_ups.send(PROJECTORS)
        wait_until_projected(worker, list(PROJECTORS))
    try:
        grow(ONE, 20)
        with pytest.raises(Exception, match="refused"):
            wake_ups.send(PROJECTORS)
        with redis_on(port):
            wake_ups.send(PROJECTORS)  # as an API process that was running all the time
            wait_until_projected(worker, list(PROJECTORS))
            assert worker_process.poll() is None
    finally:
        wake_ups.close()
        running.__exit__(None, None, None)


def test_worker_for_some_tasks_executes_only_those(settings: Settings, worker: Worker, grow: Grow) -> None:
    grow(ONE, 20)
    send_wake_ups(settings)
    with process(settings, "worker", "--only", "revenue", "--only", "catalogue"):
        wait_until_projected(worker, ["revenue", "catalogue"])
    assert {name: (position(worker, name), waiting(settings.redis_url, name)) for name in ("availability", "bookings")} == {
        "availability": (0, 1), "bookings": (0, 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["worker", "--only", "sales"], "invalid choice: 'sales'"), (["worker"], "`worker` needs DATABASE_URL and REDIS_URL.")],
)
def test_worker_that_cant_start_says_why(arguments: list[str], sentence: str) -> None:
    command = [sys.executable, "-m", "workers", *arguments]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "/usr/bin"}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 2)
    assert sentence in done.stderr
