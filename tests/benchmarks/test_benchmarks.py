"""The benchmarks' load, lag, ratios and checks are right, and peers sell like Seatledger without selling a seat twice."""

import gc
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

import app.__main__ as app_command
from app.fast_path import protocol
from benchmarks import __main__ as command
from benchmarks import load, machine, peers
from benchmarks.bench import FULL
from benchmarks.gc_on_signal import collect_on_signal
from benchmarks.lag import LagSample, lags
from benchmarks.peers import __main__ as peers_command
from benchmarks.peers.bodies import Booking
from benchmarks.results import Results, Row, percentile, spread
from ledger.settings import Settings
from ledger.views import BookingView


def _refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert command.main(list(arguments)) == 1
    stdout = capsys.readouterr()
    assert stdout.out == ""
    return stdout.err


def test_missing_wrk_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _refusal(capsys, "--quick") == "wrk is missing: install it (Debian: apt-get install wrk).\n"


def test_too_little_disk_space_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(machine, "find_wrk", lambda: "/usr/bin/wrk")
    monkeypatch.setattr(command, "REQUIRED_BYTES", {True: 10**18, False: 10**18})
    assert "the benchmarks need 1000000000: set TMPDIR to another disk.\n" in _refusal(capsys, "--quick")


def test_memory_file_system_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(machine, "find_wrk", lambda: "/usr/bin/wrk")
    monkeypatch.setattr(machine, "file_system", lambda directory: "tmpfs")
    assert "is in memory (tmpfs)" in _refusal(capsys, "--quick")


def test_wrk_output_is_parsed() -> None:
    counted = '{"requests": 110, "microseconds": 2000000, "refused": 10, "lost": 1, "late": 2, "p50": 1500, "p99": 9000}'
    run = load.parse_result("wrk", f"Running 2s test\n\nRESULT {counted}\n")
    assert (run.answered, run.refused, run.lost, run.per_second, run.p50_ms, run.p99_ms) == (100, 10, 3, 50.0, 1.5, 9.0)
    with pytest.raises(machine.BenchError, match="unable to connect"):
        load.parse_result("wrk", "", "unable to connect\n")


def test_lag_is_the_time_since_the_head_was_at_the_projections_position() -> None:
    looks = [
        LagSample(at, head, {"bookings": position}) for at, head, position in ((0, 10, 10), (1, 20, 10), (2, 40, 30), (3, 40, 40))
    ]
    assert lags(looks) == {"bookings": [pytest.approx(1.0), pytest.approx(0.5)]}
    assert lags([LagSample(0, 10, {"bookings": 10})] * 3) == {}


def test_lag_of_a_projection_that_starts_behind() -> None:
    assert lags([LagSample(0, 10, {"revenue": 5}), LagSample(2, 20, {"revenue": 5})]) == {"revenue": [2]}


def test_spread_and_percentile_are_computed() -> None:
    assert spread([90, 100, 120]) == pytest.approx(0.3)
    assert spread([100]) is None
    assert (percentile(range(1, 101), 50), percentile(range(1, 101), 99), percentile([7], 99)) == (51, 100, 7)


def _results(spread_of_it: float) -> Results:
    row = Row(benchmark="hot event", what="one", value=1234.5, unit="bookings/s", spread=spread_of_it, of_empty=0.75)
    return Results(facts={"machine": {"cores": 2}}, rows=[row])


@pytest.mark.parametrize(
    ("arguments", "results", "refused"),
    [
        ([], _results(0.05), []),
        ([], _results(0.5), ["the results were noisy"]),
        (["--quick"], _results(0.05), ["it was not a full run"]),
        (["--only", "start"], _results(0.05), ["it was not a full run"]),
        (["--force"], _results(0.5), []),
        (["--force"], Results(wrong=["one seat sold twice"]), ["the data were inconsistent"]),
        ([], Results(incomplete=["no ORM"]), ["no ORM"]),
    ],
)
def test_only_a_full_quiet_and_consistent_run_is_written(arguments: list[str], results: Results, refused: list[str]) -> None:
    stdout = command._reasons_not_to_write(command._parser().parse_args(arguments), FULL, results)
    assert [reason.partition(" (")[0] for reason in stdout] == refused


def test_written_results_contain_table_and_remarks(tmp_path: Path) -> None:
    _results(0.5).write(tmp_path)
    text = (tmp_path / "RESULTS.md").read_text()
    assert "1,234" in text
    assert "Noisy: the rounds differ by more than 20% of their median (hot event, one: 50%)." in text
    assert '"noisy": [' in (tmp_path / "RESULTS.json").read_text()


# --- the peers


def test_peers_are_served_with_our_options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    served: list[dict[str, Any]] = []
    monkeypatch.setattr(app_command, "serve", lambda app, draining, seconds, **options: served.append(options))
    settings = Settings(database_url="postgresql:///none", redis_url="redis:///0", data_dir=tmp_path)
    monkeypatch.setattr(Settings, "of_running", lambda: settings)
    monkeypatch.setattr("logging.basicConfig", lambda **options: None)
    monkeypatch.setattr("sys.argv", ["app"])
    app_command.main()
    ours = {name: value for name, value in served[0].items() if name not in ("host", "port", "forwarded_allow_ips")}
    assert ours.pop("http").func is protocol.HttpProtocol
    assert {**ours, "http": peers_command.OPTIONS["http"]} == peers_command.OPTIONS  # peers use uvicorn's protocol


def test_peers_booking_model_matches_ours() -> None:
    assert list(Booking.model_fields) == [field.name for field in fields(BookingView)]


@asynccontextmanager
async def _selling(name: str, database_url: str, seats: int) -> AsyncIterator[tuple[httpx.AsyncClient, UUID]]:
    event_id = uuid4()
    if name in peers.WITH_DATABASE:
        with psycopg.connect(database_url) as connection:
            connection.execute(peers.SCHEMA)
            connection.execute(peers.NEW_EVENT, (event_id, "Hot event", load.CATEGORY, 5000, "EUR", seats))
    app = peers_command.make_app(name, database_url)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://peer") as client,
    ):
        yield client, event_id


@pytest.mark.parametrize("name", peers.PEERS)
async def test_peer(name: str, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gc.freeze", lambda: None)
    monkeypatch.setattr("gc.set_threshold", lambda *given: None)
    async with _selling(name, empty_database_url, seats=2) as (client, event_id):
        headers = {"Authorization": "Bearer somebody", "Content-Type": "application/json", "Idempotency-Key": "1"}
        responses = [await client.post(f"/api/events/{event_id}/bookings", content=load.BODY, headers=headers) for _ in range(3)]
    assert [response.status_code for response in responses] == [201, 201, 201 if name == "empty" else 409]
    assert responses[0].json()["total_amount"] == "50.00"
    if name != "empty":
        with psycopg.connect(empty_database_url) as connection:
            assert connection.execute(peers.COUNT).fetchone() == (2, 2)


def test_collect_on_signal_runs_a_full_collection() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    try:
        collect_on_signal()
        collections = gc.get_stats()[2]["collections"]
        signal.raise_signal(signal.SIGUSR1)
        assert gc.get_stats()[2]["collections"] == collections + 1
    finally:
        signal.signal(signal.SIGUSR1, before)
