"""Health, readiness and metrics, for monitoring systems."""

from collections.abc import Iterable
from typing import Annotated, get_args

import prometheus_client
import psycopg
from fastapi import APIRouter, Request, Response
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.draining import Draining
from app.readiness import Readiness
from commands.appender.appender import Appender
from ledger.errors import Busy
from ledger.pool import Pool
from projections.registry import PROJECTORS
from query_api.read_side import ReadSide
from query_api.responses.views import ProjectionList, ProjectionState, SigningState
from query_api.routes.system import read_projections

router = APIRouter(tags=["system"])

Status = dict[Annotated[str, "what"], str]


class Probes:
    """Checks readiness and collects metrics. Stored in `app.state.probes`."""

    def __init__(self, pool: Pool, appender: Appender, read_side: ReadSide, draining: Draining) -> None:
        """`pool`: one that queries do not occupy."""
        self.readiness = Readiness(pool, draining)
        self._appender, self._read_side = appender, read_side
        self._projections: ProjectionList | None = None
        self._registry = prometheus_client.CollectorRegistry()
        self._registry.register(self)
        for collector in (prometheus_client.ProcessCollector, prometheus_client.PlatformCollector, prometheus_client.GCCollector):
            collector(registry=self._registry)

    async def metrics(self) -> bytes:
        """Prometheus' text format; without the projections' states where the database is unavailable."""
        try:
            self._projections = await read_projections(self._read_side.database)
        except (psycopg.Error, Busy):
            self._projections = None
        return prometheus_client.generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        appender = self._appender
        yield GaugeMetricFamily("seatledger_commands_held", "Commands waiting or in flight", appender.pending)
        yield CounterMetricFamily("seatledger_appends", "Transactions that appended entries", appender.appends)
        yield CounterMetricFamily("seatledger_entries_appended", "Entries appended by this process", appender.entries)
        yield GaugeMetricFamily("seatledger_events_cached", "Events in the cache", len(appender.cache))
        yield GaugeMetricFamily("seatledger_events_cached_bytes", "Estimated bytes of cached Events", appender.cache.bytes)
        yield GaugeMetricFamily("seatledger_live_streams", "Event streams open", self._read_side.feed.count)
        positions = GaugeMetricFamily(
            "seatledger_projection_position", "Ledger position of the projection, as last published", labels=["projection"]
        )
        for name in PROJECTORS:
            positions.add_metric([name], self._read_side.positions.known(name))
        yield positions
        if self._projections is not None:
            yield from _projection_metrics(self._projections)


def _projection_metrics(view: ProjectionList) -> Iterable[Metric]:
    entries = GaugeMetricFamily("seatledger_projection_lag_entries", "Entries behind, up to 100,000", labels=["projection"])
    seconds = GaugeMetricFamily(
        "seatledger_projection_lag_seconds", "Age of the oldest entry not projected yet", labels=["projection"]
    )
    states = GaugeMetricFamily("seatledger_projection_state", "1: the present state", labels=["projection", "state"])
    for projection in view.items:
        entries.add_metric([projection.name], projection.lag_entries)
        seconds.add_metric([projection.name], projection.lag_seconds)
        for state in get_args(ProjectionState.__value__):
            states.add_metric([projection.name, state], state == projection.state)
    yield from (entries, seconds, states)
    if view.signing is not None:
        signing = GaugeMetricFamily("seatledger_log_signing", "1: the present state of signing the log", labels=["state"])
        for state in get_args(SigningState.__value__):
            signing.add_metric([state], state == view.signing.state)
        yield signing
    if view.verification is not None:
        proven, last = view.verification.finding is None, view.verification.finished_at.timestamp()
        yield GaugeMetricFamily("seatledger_verification_proven", "1: the last one found nothing altered", value=proven)
        yield GaugeMetricFamily("seatledger_verification_timestamp_seconds", "When the last one ended", value=last)


@router.get("/health", operation_id="get_health")
async def get_health() -> Status:
    """Responds while the process is alive."""
    return {"status": "alive"}


@router.get("/ready", operation_id="get_ready")
async def get_ready(request: Request) -> Status:
    """Responds with 200 if the process can sell now: the database is migrated, the primary, and commits writes. Otherwise with 503,
    which says why, and before the process stops."""
    await request.app.state.probes.readiness.check()
    return {"status": "ready"}


@router.get("/metrics", operation_id="get_metrics", response_class=Response)
async def get_metrics(request: Request) -> Response:
    """The metrics of this process, in Prometheus' text format."""
    return Response(await request.app.state.probes.metrics(), media_type=prometheus_client.CONTENT_TYPE_LATEST)
