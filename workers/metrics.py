"""The metrics of a worker and of a tick, at METRICS_PORT of HOST: each process has a port of its own."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import prometheus_client
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from ledger.metrics import WORK_SECONDS, Family, Histogram, Labels
from ledger.settings import Settings

if TYPE_CHECKING:
    from workers.lag import Look

log = logging.getLogger(__name__)

DATABASE_UP = Family("seatledger_worker_database_up", "gauge", "1: the last try to use the database succeeded")
REDIS_UP = Family("seatledger_worker_redis_up", "gauge", "1: Redis replied when it was last asked")
LOOKED_AT = Family("seatledger_worker_look_timestamp_seconds", "gauge", "When the worker last saw the ledger's head and positions")
HEAD = Family("seatledger_worker_ledger_head", "gauge", "Position of the newest entry, when it was last looked at")
POSITION = Family("seatledger_worker_position", "gauge", "Ledger position of the projection, at the same moment", ("projection",))
STALLED = Family("seatledger_worker_projection_stalled", "gauge", "1: an entry stops the projection", ("projection",))
UNMOVED_SECONDS = Family(
    "seatledger_worker_unmoved_seconds", "gauge", "How long a projection has been behind without moving", ("projection",)
)
CATCH_UPS = Family("seatledger_worker_catch_ups", "counter", "Catch-ups, by what caused them: `wake-up`, `poller`", ("cause",))
ENTRIES = Family("seatledger_worker_entries", "counter", "Entries folded or passed over", ("projection",))
BATCH_SECONDS = Family("seatledger_worker_batch_seconds", "histogram", "From one commit of a catch-up to the next", ("projection",))
COMMITTED_AT = Family("seatledger_worker_commit_timestamp_seconds", "gauge", "When it last committed a batch", ("projection",))
FAILURES = Family("seatledger_worker_failures", "counter", "Catch-ups that ended early, by the reason", ("projection", "reason"))
WENT_BACK = Family("seatledger_worker_ledger_went_back", "counter", "How often entries that this worker knew were missing")
FORGED = Family("seatledger_worker_forged_entries_read", "counter", "How often an entry was read that Seatledger did not write")
TASKS = Family("seatledger_worker_tasks", "counter", "Tasks that Celery has executed")
SNAPSHOTS = Family("seatledger_worker_snapshots", "counter", "Snapshots of events taken")
LAPSED_HOLDS = Family("seatledger_worker_lapsed_holds", "counter", "Due holds that this worker let lapse")
RECORDED_PAYMENTS = Family(
    "seatledger_worker_recorded_payments", "counter", "Payments and refunds of providers that this worker has recorded"
)
CHECKPOINTS = Family("seatledger_worker_checkpoints", "counter", "Checkpoints signed by this worker")
SIGNED_AT = Family("seatledger_worker_checkpoint_timestamp_seconds", "gauge", "When this worker last signed one")
MAINTENANCE = Family("seatledger_worker_maintenance", "counter", "Rebuilds and verifications, by their end", ("work", "outcome"))

MAILS = Family(
    "seatledger_worker_mails",
    "counter",
    "Mails by what became of a try: sent, deferred, failed, skipped, crowded, unavailable",
    ("outcome",),
)
WEBHOOK_DELIVERIES = Family(
    "seatledger_worker_webhook_deliveries", "counter", "Deliveries to webhooks by what became of a try: sent, deferred, failed",
    ("outcome",),
)  # fmt: skip

TICKS = Family("seatledger_tick_sent", "counter", "Rounds of wake-ups sent by this tick: others may send the rest")
TICK_FAILURES = Family("seatledger_tick_failures", "counter", "Rounds that could not be sent")
TICK_UP = Family("seatledger_tick_redis_up", "gauge", "1: Redis replied at the last round")
TICK_AT = Family("seatledger_tick_timestamp_seconds", "gauge", "When Redis last replied")

_COUNTED = (
    CATCH_UPS, ENTRIES, FAILURES, WENT_BACK, FORGED, TASKS, SNAPSHOTS, LAPSED_HOLDS, RECORDED_PAYMENTS,
    CHECKPOINTS, MAINTENANCE, MAILS,
    WEBHOOK_DELIVERIES,
)  # fmt: skip


class WorkerMetrics(Collector):
    """What a worker counts, from any of its threads: some lines of Python a batch, none an entry."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Family, Counter[Labels]] = {
            family: Counter() if family.labels else Counter({(): 0})  # so that the first one is seen to rise
            for family in _COUNTED
        }
        self._values: dict[Family, dict[Labels, float]] = {
            family: {}
            for family in (DATABASE_UP, REDIS_UP, LOOKED_AT, HEAD, POSITION, STALLED, UNMOVED_SECONDS, COMMITTED_AT, SIGNED_AT)
        }
        self._batches: dict[Labels, Histogram] = {}

    def count(self, family: Family, *labels: str, by: int = 1) -> None:
        with self._lock:
            self._counts[family][labels] += by

    def set(self, family: Family, value: float, *labels: str) -> None:
        with self._lock:
            self._values[family][labels] = value

    def see(self, look: "Look", unmoved_seconds: Mapping[str, float]) -> None:
        """What the poller has seen."""
        now = time.time()
        with self._lock:
            self._values[LOOKED_AT][()] = now
            self._values[HEAD][()] = look.head
            self._values[POSITION] = {(name,): position for name, position in look.positions.items()}
            self._values[STALLED] = {(name,): name in look.stalled for name in look.positions}
            self._values[UNMOVED_SECONDS] = {(name,): unmoved_seconds.get(name, 0.0) for name in look.positions}

    def timing(self, publish: Callable[[str, int], None]) -> Callable[[str, int], None]:
        """The function, which is called after each commit of one catch-up, with a measurement of the time since the last one."""
        began = time.perf_counter()

        def measured(name: str, position: int) -> None:
            nonlocal began
            now = time.perf_counter()
            with self._lock:
                self._batches.setdefault((name,), Histogram(WORK_SECONDS)).observe(now - began)
                self._values[COMMITTED_AT][name,] = time.time()
            publish(name, position)
            began = time.perf_counter()

        return measured

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            readings: dict[Family, Mapping[Labels, float]] = {**self._values, **self._counts}
            yield from [family.of_each(values) for family, values in readings.items()]
            yield BATCH_SECONDS.of_histograms(self._batches)


class TickMetrics(Collector):
    """Of one thread; what it writes are single values."""

    def __init__(self) -> None:
        self.sent = self.failures = 0
        self.is_up, self.replied_at = False, 0.0

    def collect(self) -> Iterable[Metric]:
        yield TICKS.of(self.sent)
        yield TICK_FAILURES.of(self.failures)
        yield TICK_UP.of(self.is_up)
        yield TICK_AT.of(self.replied_at)


def serve(settings: Settings, collector: Collector) -> None:
    """Serves `/metrics` in a thread, if METRICS_PORT is set. A port that is in use is logged: the work does not depend on it."""
    if not settings.metrics_port:
        return
    registry = prometheus_client.CollectorRegistry()
    registry.register(collector)
    for common in (prometheus_client.ProcessCollector, prometheus_client.PlatformCollector, prometheus_client.GCCollector):
        common(registry=registry)
    try:
        prometheus_client.start_http_server(settings.metrics_port, settings.host, registry)
    except OSError as error:
        log.error(  # noqa: TRY400 - the trace says nothing more
            "No metrics: METRICS_PORT %s of %s can't be used: %s", settings.metrics_port, settings.host, error.strerror
        )
