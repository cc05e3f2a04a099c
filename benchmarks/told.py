"""What mail and webhooks cost: the lag of the read tables at a fixed rate of bookings without and with both, in turn; how soon
afterwards all that is to be told is written; and how soon a confirmation leaves.

The mail server is `aiosmtpd`, which drops what it gets; the receiver of webhooks is the empty peer, which refuses it: what is
measured is up to there.
"""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from statistics import median

import httpx

from benchmarks import lag
from benchmarks.bench import Bench
from benchmarks.deployment import Deployment, start_peer, start_process
from benchmarks.load import booking_paths
from benchmarks.machine import BenchError
from benchmarks.open_loop import OpenLoopLoad, OpenLoopResult, running_load
from benchmarks.processes import HOST, clean_environment, running_process
from benchmarks.results import Row, goal, percentile, ratios, spread
from devstack.readiness import free_port, wait_until
from ledger.outbox import MAIL
from ledger.settings import Settings

NAME = "told"
RATE, CONFIRMED_RATE = 1_000, 100
SECONDS = {False: 10, True: 2}
MOST_LAG, MOST_SECONDS = 1.10, 2.0
PATIENCE_SECONDS = 60.0

_BEHIND = """
    SELECT count(*) FROM subscriptions
    WHERE name IN ('mail', 'webhooks') AND position < (SELECT max(notification_id) FROM ledger_entries)"""
_UNSENT = "SELECT count(*) FROM outbox WHERE state = 'due'"
_DROP = "UPDATE outbox SET state = 'skipped', settled_at = now() WHERE state = 'due'"
_SECONDS = """
    SELECT extract(epoch FROM o.settled_at - (convert_from(e.state, 'UTF8')::json ->> 'at')::timestamptz)
    FROM outbox o JOIN ledger_entries e ON e.notification_id = o.position
    WHERE o.state = 'sent' AND o.kind = 'booking-confirmed' AND o.number > %s"""


def run(bench: Bench) -> None:
    """Leaves a worker without mail behind."""
    deployment, lags, written = bench.deployment, {False: list[float](), True: list[float]()}, list[float]()
    with _servers(deployment) as settings:
        for number in range(1, bench.options.rounds + 1):
            for is_told in (False, True) if number % 2 else (True, False):
                with _worker(deployment, settings if is_told else deployment.settings):
                    lags[is_told].append(_lag_ms(bench, number, is_told=is_told))
                    if is_told:
                        written.append(_seconds_until(deployment, _BEHIND))
        with _worker(deployment, settings):
            confirmed, cpu_ms = _confirmed(bench)
    deployment.processes["worker"] = bench.stack.enter_context(
        start_process(deployment.settings, "worker", deployment.directory / "worker-after.log")
    )
    deployment.wait_until_projected()
    of_plain, p50 = median(ratios(lags[True], lags[False])), percentile(confirmed, 50)
    bench.results.samples.append({"benchmark": NAME, "lags_ms": lags, "written_seconds": written, "confirmed_seconds": confirmed})
    bench.results.rows += [
        Row(benchmark=NAME, what=f"lag of the slowest projection at {RATE:,}/s, mail off", value=median(lags[False]),
            unit="ms (p50)", spread=spread(lags[False])),
        Row(benchmark=NAME, what="the same, with mail and a webhook", value=median(lags[True]),
            unit="ms (p50)", spread=spread(lags[True])),
        Row(benchmark=NAME, what="with / without", value=of_plain, unit="ratio",
            goal=goal(f"at most {MOST_LAG:.2f}", of_plain <= MOST_LAG)),
        Row(benchmark=NAME, what="all is written, after the last booking", value=median(written), unit="s"),
        Row(benchmark=NAME, what=f"a confirmation has left, at {CONFIRMED_RATE}/s", value=1000 * p50, unit="ms (p50)",
            p50_ms=1000 * p50, p99_ms=1000 * percentile(confirmed, 99),
            goal=goal(f"at most {MOST_SECONDS:g} s", p50 <= MOST_SECONDS)),
        Row(benchmark=NAME, what="CPU of the mail courier for a confirmation", value=cpu_ms, unit="ms"),
    ]  # fmt: skip


@contextmanager
def _servers(deployment: Deployment) -> Iterator[Settings]:
    """The settings of a worker that tells."""
    port = free_port()
    command = ["-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink", "-l", f"{HOST}:{port}"]
    with ExitStack() as stack:
        stack.enter_context(running_process("the mail server", command, clean_environment(), deployment.directory / "smtp.log"))
        receiver = stack.enter_context(start_peer(deployment, "empty", ""))
        _add_webhook(deployment, f"http://{HOST}:{receiver.port}/webhook")
        yield dataclasses.replace(deployment.settings, mail_url=f"smtp://{HOST}:{port}", mail_from="tickets@example.test")


def _add_webhook(deployment: Deployment, url: str) -> None:
    """Of an admin, so about every event."""
    owner_id, token = deployment.organizer()
    with deployment.connect() as connection:
        connection.execute("UPDATE accounts SET role = 'admin' WHERE id = %s", (owner_id,))
    made = httpx.post(
        f"http://{HOST}:{deployment.settings.port}/api/webhooks",
        json={"url": url, "types": ["*"]},
        headers={"Authorization": f"Bearer {token}"},
    )
    if made.status_code != HTTPStatus.CREATED:
        raise BenchError(f"The webhook was not made: {made.text}")


@contextmanager
def _worker(deployment: Deployment, settings: Settings) -> Iterator[None]:
    """Another worker instead of the one that runs, until the end of the block."""
    deployment.processes["worker"].stop()
    with start_process(settings, "worker", deployment.directory / "worker-told.log") as process:
        deployment.processes["worker"] = process
        _book(deployment, 50, 2)  # what is compiled at first use is compiled
        yield


def _book(deployment: Deployment, rate: int, seconds: int) -> OpenLoopResult:
    """Returns when the bookings are projected."""
    paths = booking_paths([deployment.schedule_event()])
    load = OpenLoopLoad([deployment.settings.port], paths, str(deployment.tokens), rate, seconds)
    with running_load(deployment.directory, load) as running:
        pass
    deployment.wait_until_projected()
    return running.result


def _lag_ms(bench: Bench, number: int, *, is_told: bool) -> float:
    """The median lag of the slowest projection."""
    with lag.LagSampler.open(bench.deployment.settings.database_url) as sampler:
        offered = _book(bench.deployment, RATE, SECONDS[bench.options.quick])
    where = f"{NAME}, {'with' if is_told else 'without'} mail and webhook, round {number}"
    bench.results.wrong += [f"{where}: {violation}." for violation in offered.failures()]
    if not offered.was_reached:
        bench.results.remarks.append(f"{where}: {offered.per_second:,.0f} bookings per second were made, not {RATE:,}.")
    slowest = max(percentile(seconds, 50) for seconds in lag.lags(sampler.samples).values())
    bench.log(f"{where}: {offered.per_second:,.0f}/s, lag {1000 * slowest:.1f} ms")
    return 1000 * slowest


def _confirmed(bench: Bench) -> tuple[list[float], float]:
    """For each booking at CONFIRMED_RATE the seconds until its confirmation has left; the courier's CPU for one, in ms."""
    deployment = bench.deployment
    _seconds_until(deployment, _BEHIND)
    with deployment.connect() as connection:
        connection.execute(_DROP)
        [(before,)] = connection.execute("SELECT max(number) FROM outbox").fetchall()
    worker = deployment.processes["worker"]
    cpu_before = worker.child_cpu_seconds(MAIL)
    offered = _book(deployment, CONFIRMED_RATE, SECONDS[bench.options.quick])
    _seconds_until(deployment, _BEHIND)
    _seconds_until(deployment, _UNSENT)
    cpu_seconds = worker.child_cpu_seconds(MAIL) - cpu_before
    with deployment.connect() as connection:
        seconds = [float(row[0]) for row in connection.execute(_SECONDS, (before,))]
    bench.log(f"{NAME}: {len(seconds):,} confirmations at {offered.per_second:,.0f}/s, {percentile(seconds, 50):.2f} s (p50)")
    if len(seconds) != offered.statuses.get(HTTPStatus.CREATED, 0):
        bench.results.wrong.append(f"{NAME}: {offered.statuses} bookings by status, and {len(seconds):,} confirmations.")
    return seconds, 1000 * cpu_seconds / max(1, len(seconds))


def _seconds_until(deployment: Deployment, none: str) -> float:
    """Until this statement counts none."""
    began = time.monotonic()
    with deployment.connect() as connection:
        if not wait_until(lambda: connection.execute(none.encode()).fetchall() == [(0,)], PATIENCE_SECONDS):
            raise BenchError(f"There is something left after {PATIENCE_SECONDS:.0f} s: {' '.join(none.split())}")
    return time.monotonic() - began
