"""Workers and ticks show what they do at METRICS_PORT, and log an outage once."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from ledger.settings import Settings
from projections.registry import PROJECTORS
from tests.conftest import PostgresServer
from tests.forked_processes import ForkedProcess
from tests.metric_samples import Samples
from tests.running_system import free_port
from tests.workers.deployment import Grow, process, send_wake_ups, wait_until
from workers.worker import Worker

ONE = UUID(int=0x1)


def with_port(settings: Settings) -> Settings:
    return replace(settings, metrics_port=free_port())


def samples(settings: Settings) -> Samples:
    """Of the process with this METRICS_PORT."""
    return Samples.once_served(settings.metrics_port)


def test_worker_shows_what_it_has_folded(settings: Settings, grow: Grow) -> None:
    settings = with_port(settings)
    grow(ONE, 20)
    with process(settings, "worker"):
        send_wake_ups(settings)
        wait_until(lambda: samples(settings).value("seatledger_worker_entries_total") == 20 * len(PROJECTORS), "all projections")
        wait_until(lambda: samples(settings).value("seatledger_worker_checkpoints_total") == 1, "a checkpoint")
        wait_until(lambda: samples(settings).value("seatledger_worker_look_timestamp_seconds") > 0, "a look")
        seen = samples(settings)
    assert seen.value("seatledger_worker_database_up") == seen.value("seatledger_worker_redis_up") == 1
    assert seen.value("seatledger_worker_batch_seconds_count", projection="bookings") == 1
    assert seen.value("seatledger_worker_catch_ups_total", cause="wake-up") >= len(PROJECTORS)
    assert seen.value("seatledger_worker_tasks_total") >= len(PROJECTORS)
    assert abs(seen.value("seatledger_worker_commit_timestamp_seconds", projection="revenue") - time.time()) < 60
    assert seen.labels("seatledger_worker_position", "projection") == set(PROJECTORS)
    assert seen.value("seatledger_worker_position", projection="audit") <= seen.value("seatledger_worker_ledger_head")


def test_worker_without_redis_shows_that_it_polls(settings: Settings, grow: Grow) -> None:
    settings = replace(with_port(settings), redis_url="redis://127.0.0.1:1/0")
    grow(ONE, 20)
    with process(settings, "worker"):
        wait_until(lambda: samples(settings).value("seatledger_worker_entries_total") == 20 * len(PROJECTORS), "the poller")
        seen = samples(settings)
    assert seen.value("seatledger_worker_redis_up") == 0
    assert seen.value("seatledger_worker_catch_ups_total", cause="poller") >= len(PROJECTORS)
    assert seen.value("seatledger_worker_catch_ups_total", cause="wake-up") == 0


def test_projection_that_an_entry_stops_is_shown(settings: Settings, grow: Grow, database_url: str) -> None:
    settings = with_port(settings)
    grow(ONE, 20)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE projections SET failed_position = 1, error = 'unreadable' WHERE name = 'revenue'")
    with process(settings, "worker"):
        wait_until(lambda: samples(settings).value("seatledger_worker_look_timestamp_seconds") > 0, "a look")
        assert samples(settings).value("seatledger_worker_projection_stalled", projection="revenue") in (0, 1)
        assert samples(settings).value("seatledger_worker_projection_stalled", projection="bookings") == 0


def test_tick_shows_its_rounds(settings: Settings) -> None:
    settings = replace(with_port(settings), database_url="")
    with process(settings, "tick"):
        wait_until(lambda: samples(settings).value("seatledger_tick_sent_total") >= 2, "two rounds")
        seen = samples(settings)
    assert (seen.value("seatledger_tick_redis_up"), seen.value("seatledger_tick_failures_total")) == (1, 0)
    assert abs(seen.value("seatledger_tick_timestamp_seconds") - time.time()) < 60


def test_without_the_setting_no_port_is_opened_and_a_used_port_stops_nothing(settings: Settings, tmp_path: Path) -> None:
    """The port is that of the first tick."""
    settings = replace(with_port(settings), database_url="")
    with process(settings, "tick"):
        samples(settings)
        second = ForkedProcess(("workers", "tick"), {**os.environ, **settings.to_env()}, tmp_path)
        file = tmp_path / "stderr"
        wait_until(lambda: file.exists() and "can't be used: Address already in use" in file.read_text(), "a line in the log")
        time.sleep(1)
        assert second.poll() is None
        second.terminate()
        assert second.wait(30) == 0
    assert settings.metrics_port
    assert Settings().metrics_port == 0


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_lost_database_is_logged_once_and_its_return_once(
    settings: Settings, worker: Worker, grow: Grow, postgres_server: PostgresServer, tmp_path: Path, log_format: str
) -> None:
    settings = replace(with_port(settings), log_format=log_format, verify_hours=0)
    running = ForkedProcess(("workers", "worker"), {**os.environ, **settings.to_env()}, tmp_path)
    try:
        wait_until(lambda: samples(settings).value("seatledger_worker_database_up") == 1, "the database")
        with postgres_server.closed(settings.database_url):
            end = time.monotonic() + 4
            while time.monotonic() < end:
                send_wake_ups(settings)
                time.sleep(0.1)
            assert samples(settings).value("seatledger_worker_database_up") == 0
            assert samples(settings).value("seatledger_worker_failures_total", reason="database") > 10
        wait_until(lambda: samples(settings).value("seatledger_worker_database_up") == 1, "the database again")
    finally:
        running.terminate()
        running.wait(30)
    lines = (tmp_path / "stderr").read_text().splitlines()
    about = [line for line in lines if "The database is" in line and "No checkpoint is signed" not in line]
    assert len(about) == 2, about
    assert "The database is unavailable: " in about[0]
    assert "The database is available again, after" in about[1]
    if log_format == "json":
        assert {json.loads(line)["process"] for line in lines} == {"worker"}
