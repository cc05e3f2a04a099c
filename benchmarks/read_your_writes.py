"""Read your writes: one client books, then asks for the Event at its booking's Ledger-Position, as the booking UI does."""

import time
from http import HTTPStatus
from statistics import median
from uuid import uuid4

from benchmarks.bench import Bench
from benchmarks.client import Client
from benchmarks.load import BODY
from benchmarks.machine import BenchError
from benchmarks.results import Row, goal, percentile

NAME = "read your writes"
TIMES = {False: 100, True: 20}
MEDIAN_MS = 150


def run(bench: Bench) -> None:
    """Measures the time from a booking's response until a query of the Event shows the booking, without other load."""
    deployment = bench.deployment
    times = TIMES[bench.options.quick]
    path, token = f"/api/events/{deployment.schedule_event()}", deployment.tokens.read_text().split()[0]
    deployment.wait_until_projected()
    bench.log(f"read your writes: {times} bookings, each queried at once")
    booked_ms, shown_ms, late = [], [], 0
    client = Client(deployment.settings.port)
    for _ in range(times):
        began = time.perf_counter()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        status, position = client.request("POST", f"{path}/bookings", headers, BODY)
        booked_at = time.perf_counter()
        if status != HTTPStatus.CREATED or position is None:
            raise BenchError(f"A booking got the status {status}.")
        while (status := client.request("GET", path, {"Ledger-Position": position})[0]) == HTTPStatus.SERVICE_UNAVAILABLE:
            late += 1
        if status != HTTPStatus.OK:
            raise BenchError(f"GET {path} got the status {status}.")
        booked_ms.append(1000 * (booked_at - began))
        shown_ms.append(1000 * (time.perf_counter() - booked_at))
    bench.results.samples.append({"benchmark": NAME, "booked_ms": booked_ms, "shown_ms": shown_ms, "late": late})
    shown = median(shown_ms)
    bench.results.rows += [
        _row("a booking alone", booked_ms),
        _row("from its response until a query shows it", shown_ms, goal(f"median under {MEDIAN_MS} ms", shown < MEDIAN_MS)),
    ]
    if late:
        bench.results.remarks.append(
            f"Read your writes: {late} queries got a 503, because the read side was behind, and were retried."
        )


def _row(what: str, times_ms: list[float], met: str = "") -> Row:
    p50 = median(times_ms)
    return Row(benchmark=NAME, what=what, value=p50, unit="ms (median)", p50_ms=p50, p99_ms=percentile(times_ms, 99), goal=met)
