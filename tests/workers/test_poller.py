"""The poller catches up what no task has caught up, and ends a worker that hangs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from ledger.settings import Settings
from projections.registry import PROJECTORS
from projections.wake_ups import TASKS
from tests.ledger import storage
from tests.workers.deployment import ROOT, Grow, position, send_wake_ups, wait_until
from workers.poller import HUNG_STATUS, Poller
from workers.worker import CATCH_UP_LIMIT, Worker

ONE = UUID(int=0x1)
#: Rounds of the poller after which a worker counts as hung, here.
ROUNDS = 3


@pytest.fixture
def reasons() -> list[str]:
    """Why the process would have been ended."""
    return []


@pytest.fixture
def poller(worker: Worker, settings: Settings, reasons: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Poller]:
    monkeypatch.setattr("workers.poller.HUNG_SECONDS", ROUNDS)
    made = Poller(worker, settings, TASKS, end=reasons.append)
    yield made
    made._redis.close()


def positions(worker: Worker) -> set[int]:
    return {position(worker, name) for name in PROJECTORS}


def test_poller_projects_what_has_not_moved_for_a_round(worker: Worker, poller: Poller, grow: Grow) -> None:
    grow(ONE, 20)
    poller.poll()
    assert positions(worker) == {0}
    poller.poll()
    assert positions(worker) == {worker.ledger.head()}


def test_poller_leaves_a_projection_to_whoever_moves_it(
    worker: Worker, poller: Poller, grow: Grow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        grow(ONE, CATCH_UP_LIMIT // 2)
    monkeypatch.setattr("workers.worker.JOINT_CATCH_UP_SECONDS", 0)
    poller.poll()
    worker.project(PROJECTORS["revenue"])  # as a task would
    assert 0 < position(worker, "revenue") < worker.ledger.head()
    before = position(worker, "revenue")
    poller.poll()
    assert position(worker, "revenue") == before
    assert position(worker, "catalogue") > 0


def test_worker_whose_projections_can_not_be_moved_ends(
    worker: Worker, poller: Poller, grow: Grow, reasons: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(ONE, 20)
    monkeypatch.setattr("workers.worker.catch_up", lambda *_, **__: 0)
    for _ in range(ROUNDS):
        poller.poll()
    assert reasons == []
    poller.poll()
    assert f"revenue stays at position 0 while the ledger is at {worker.ledger.head()}" in reasons


def test_worker_does_not_end_for_what_it_can_not_help(
    worker: Worker, poller: Poller, grow: Grow, reasons: list[str], database_url: str
) -> None:
    grow(ONE, 20)
    with psycopg.connect(database_url) as other:
        other.execute("UPDATE projections SET version = version + 1 WHERE name = 'bookings'")
        storage.store(other, ONE, 99, "unknown/1", b"")  # stalls them all
    with psycopg.connect(database_url) as other:
        other.execute("SELECT FROM projections WHERE name = 'revenue' FOR UPDATE")
        for _ in range(2 * ROUNDS):
            poller.poll()
    assert position(worker, "revenue") == position(worker, "bookings") == 0 < position(worker, "catalogue")
    assert reasons == []


def test_worker_that_takes_no_wake_up_ends(settings: Settings, poller: Poller, reasons: list[str]) -> None:
    for _ in range(2 * ROUNDS):
        poller.poll()  # there is none
    send_wake_ups(settings)
    for _ in range(2 * ROUNDS):
        poller.poll()
        poller.count_task()
    assert reasons == []
    for _ in range(ROUNDS + 1):
        poller.poll()
    assert reasons[0] == "Redis holds wake-ups, and no task is executed"


def test_worker_without_redis_does_not_end(worker: Worker, settings: Settings, reasons: list[str], grow: Grow) -> None:
    poller = Poller(worker, replace(settings, redis_url="redis://127.0.0.1:1/0"), TASKS, end=reasons.append)
    grow(ONE, 20)
    for _ in range(2 * ROUNDS):
        poller.poll()
    assert reasons == []
    assert positions(worker) == {worker.ledger.head()}


_WORKER = """
import sys, threading, workers.poller, workers.worker
from kombu.transport.virtual.base import QoS
from workers.__main__ import main
workers.poller.HUNG_SECONDS = {rounds}
{fault}
sys.argv = ["workers", "worker"]
main()
"""
_FAULTS = {
    "consumer": ("QoS.can_consume = lambda self: False", "Redis holds wake-ups, and no task is executed"),
    "call": ("workers.worker.catch_up = lambda *_, **__: threading.Event().wait()", f"not looked at for {ROUNDS} s"),
}


def start_faulty(settings: Settings, fault: str, output: Path, rounds: int = ROUNDS) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", _WORKER.format(fault=fault, rounds=rounds)]
    environment = {**os.environ, **settings.to_env(), "VERIFY_HOURS": "0"}
    with output.open("wb") as file:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)


@pytest.mark.parametrize("fault", _FAULTS)
def test_hung_worker_process_ends_itself_with_a_reason(settings: Settings, grow: Grow, tmp_path: Path, fault: str) -> None:
    grow(ONE, 20)
    send_wake_ups(settings)
    change, reason = _FAULTS[fault]
    process = start_faulty(settings, change, tmp_path / "log")
    try:
        assert process.wait(60) == HUNG_STATUS
    finally:
        process.kill()
    assert f"{reason}: this worker ends itself, to be started again" in (tmp_path / "log").read_text()


def test_worker_process_that_was_stopped_has_not_hung(settings: Settings, worker: Worker, grow: Grow, tmp_path: Path) -> None:
    process = start_faulty(settings, "", tmp_path / "log", rounds=2 * ROUNDS)
    try:
        grow(ONE, 20)
        wait_until(lambda: positions(worker) == {worker.ledger.head()}, "a worker at work")
        process.send_signal(signal.SIGSTOP)
        time.sleep(2 * ROUNDS + 2)
        process.send_signal(signal.SIGCONT)
        time.sleep(2)
        assert process.poll() is None, (tmp_path / "log").read_text()
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
