"""`make run` starts and stops everything and leaves no processes; errors at the start are one sentence."""

import http.client
import json
import random
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import pytest

from ledger.settings import Settings
from seed.__main__ import load
from tests.devstack.stack_process import START_SECONDS, environment_of, refusal, wait_until_serving
from tests.metric_samples import Samples
from tests.running_system import free_port

ROOT = Path(__file__).parent.parent.parent


def test_used_port_is_reported(server_directory: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refusal(environment_of(server_directory, PORT=str(port)))
    assert said == f"Port {port} of 127.0.0.1 can't be used (Address already in use): set PORT or HOST to another value.\n"


def test_unwritable_data_dir_is_reported(server_directory: Path) -> None:
    (server_directory / "file").touch()
    said = refusal(environment_of(server_directory / "file"))
    assert (
        said
        == f"The data directory {server_directory / 'file'} is not writable (File exists): set DATA_DIR to another directory.\n"
    )


def test_refused_connection_is_reported_without_the_password(server_directory: Path) -> None:
    said = refusal(environment_of(server_directory, DATABASE_URL=f"postgresql://me:wasser@127.0.0.1:{free_port()}/seats"))
    assert said.startswith("PostgreSQL at DATABASE_URL refuses the connection: ")
    assert "Connection refused" in said
    assert said.count("\n") == 1
    assert "wasser" not in said


@pytest.mark.parametrize("url", ["mysql://me:wasser@127.0.0.1/seats", "postgresql://me:wasser@[/seats", "me:wasser"])
def test_invalid_database_url_is_reported(url: str, server_directory: Path) -> None:
    assert refusal(environment_of(server_directory, DATABASE_URL=url)) == "DATABASE_URL is not a postgresql:// URL.\n"


def test_invalid_setting_is_reported(server_directory: Path) -> None:
    assert refusal(environment_of(server_directory, PORT="http")) == "PORT is 'http', which is not a whole number.\n"


@contextmanager
def _running(environment: Mapping[str, str], log: Path) -> Iterator[psutil.Process]:
    """Starts the stack and waits until it serves. It has a process group of its own, like in a terminal."""
    with log.open("wb") as output:
        process = psutil.Popen([sys.executable, "-m", "devstack"], cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_until_serving(process, log)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _family(process: psutil.Process) -> list[psutil.Process]:
    family = [process, *process.children(recursive=True)]
    assert {"app", "worker", "tick"} <= {member.cmdline()[-1] for member in family}
    return family


def _alive(family: list[psutil.Process]) -> list[psutil.Process]:
    _, alive = psutil.wait_procs(family, timeout=10)
    return [member for member in alive if member.status() != psutil.STATUS_ZOMBIE]


def test_stack_starts_stops_and_starts_again(server_directory: Path) -> None:
    environment, data = environment_of(server_directory / "data"), server_directory / "data"
    with _running(environment, server_directory / "log") as process:
        family = _family(process)
        assert _status(environment, "/health") == 200
        with psycopg.connect((data / "database_url").read_text()) as connection:
            connection.execute("CREATE TABLE kept ()")
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)  # a second Ctrl-C
        assert process.wait(30) == 0
        assert _alive(family) == []
    with _running(environment, server_directory / "log") as process:
        family = _family(process)
        with psycopg.connect((data / "database_url").read_text()) as connection:
            connection.execute("SELECT FROM kept")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert _alive(family) == []
    assert not (data / "database_url").exists()


def test_output_as_json_is_one_object_a_line_and_metrics_have_their_ports(server_directory: Path) -> None:
    log, port = server_directory / "log", two_free_ports()
    settings = {"LOG_FORMAT": "json", "ACCESS_LOG": "1", "METRICS_PORT": str(port)}
    environment = environment_of(server_directory / "data", **settings)
    with _running(environment, log) as process:
        assert _status(environment, "/api/events") == 200
        seen = {name: Samples.once_served(port + number).names for number, name in enumerate(("worker", "tick"))}
        _member(_family(process), "worker").kill()
        _wait_for("worker ended by itself (SIGKILL)", log)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"system", "api"} <= {line["process"] for line in lines}
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    assert any(line.get("route") == "/api/events" for line in lines)
    assert lines[-1]["message"] == "Stopped."
    assert "seatledger_worker_entries_total" in seen["worker"]
    assert "seatledger_tick_sent_total" in seen["tick"]


def two_free_ports() -> int:
    """The first of two, below those that the system gives away, so that nobody takes the second meanwhile."""
    while True:
        port = random.randrange(20_000, 30_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1)):
            return port


def _status(environment: Mapping[str, str], path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", int(environment["PORT"]), timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


async def test_interrupted_demo_load_is_completed_by_the_next_run(settings: Settings, database_url: str) -> None:
    await load(settings)
    entries = _entries(database_url)
    _forget_all_but(database_url, 40)
    with _running(
        environment_of(settings.data_dir, DATABASE_URL=database_url, DEMO="1", ALLOW_UNSAFE_DATABASE="1"), settings.data_dir / "log"
    ) as process:
        assert _entries(database_url) == entries
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert "Loading the demo data" in (settings.data_dir / "log").read_text()


async def test_demo_setting_does_not_prevent_a_start_with_a_used_ledger(settings: Settings, database_url: str) -> None:
    await load(settings)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO ledger_entries (originator_id, originator_version, topic, state) VALUES (%s, 1, 'x/1', '')", (uuid4(),)
        )
    with _running(
        environment_of(settings.data_dir, DATABASE_URL=database_url, DEMO="1", ALLOW_UNSAFE_DATABASE="1"), settings.data_dir / "log"
    ) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert "Loading the demo data" not in (settings.data_dir / "log").read_text()


def _entries(database_url: str) -> list[Any]:
    with psycopg.connect(database_url) as connection:
        query = "SELECT originator_id, originator_version, convert_from(state, 'UTF8')::jsonb ->> 'at' FROM ledger_entries"
        return connection.execute(f"{query} ORDER BY notification_id").fetchall()


def _forget_all_but(database_url: str, first: int) -> None:
    """Deletes later entries, as if loading had been interrupted. Only the database's owner can do this."""
    kept = "SELECT notification_id FROM ledger_entries ORDER BY 1 LIMIT %s"
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
        connection.execute(f"DELETE FROM ledger_entries WHERE notification_id NOT IN ({kept})", (first,))
        connection.execute("ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER append_only")


def _wait_for(text: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def _restarted(process: psutil.Process) -> list[psutil.Process]:
    """The stack's processes, once each of them runs again."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(AssertionError, psutil.NoSuchProcess):
            return _family(process)
        time.sleep(0.05)
    raise AssertionError("not all started again")


def _member(family: list[psutil.Process], name: str) -> psutil.Process:
    return next(member for member in family if member.cmdline()[-1:] == [name])


def test_killed_worker_and_tick_are_restarted(server_directory: Path) -> None:
    environment, log = environment_of(server_directory / "data"), server_directory / "log"
    with _running(environment, log) as process:
        first = _family(process)
        killed = {name: _member(first, name) for name in ("worker", "tick")}
        for name, member in killed.items():
            member.kill()
            _wait_for(f"{name} ended by itself (SIGKILL): it starts again in 1 s", log)
        assert _status(environment, "/ready") == 200
        again = _restarted(process)
        assert all(_member(again, name) != member for name, member in killed.items())
        process.send_signal(signal.SIGHUP)
        assert process.wait(30) == 0
        assert _alive([*first, *again]) == []


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("app", "The process api ended by itself (SIGKILL), see above. Everything was stopped."),
        ("postgres", "PostgreSQL ended by itself; its log is {}/postgresql/server.log. Everything was stopped."),
        ("redis", "Redis ended by itself; its log is {}/redis/server.log. Everything was stopped."),
    ],
)
def test_end_of_an_essential_process_ends_all(program: str, reason: str, server_directory: Path) -> None:
    data = server_directory / "data"
    with _running(environment_of(data), server_directory / "log") as process:
        family = _family(process)
        names = {"postgres": "postgres", "redis": "valkey-server", "app": "python"}
        next(
            process
            for process in family
            if names[program] in process.name() and (program != "app" or process.cmdline()[-1] == "app")
        ).kill()
        assert process.wait(30) == 1
        assert _alive(family) == []
    assert (server_directory / "log").read_text().splitlines()[-1] == reason.format(data)


def test_killed_stack_leaves_no_processes(server_directory: Path) -> None:
    with _running(environment_of(server_directory / "data"), server_directory / "log") as process:
        family = _family(process)
        process.kill()
        process.wait()
        assert _alive(family) == []
