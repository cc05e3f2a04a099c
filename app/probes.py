"""Health, readiness and metrics, for monitoring systems."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Annotated

import prometheus_client
import psycopg
from fastapi import APIRouter, Request, Response
from prometheus_client.core import Metric

from app import metrics
from app.observation import RequestObserver
from app.readiness import Readiness
from commands.appender.appender import Appender
from ledger.errors import Busy
from ledger.pool import Pool
from query_api.read_side import ReadSide
from query_api.responses.system_views import ProjectionList
from query_api.routes.system import read_projections

router = APIRouter(tags=["system"])

Status = dict[Annotated[str, "what"], str]


class Probes:
    """Checks readiness and collects metrics. Stored in `app.state.probes`."""

    def __init__(
        self, observer: RequestObserver, pools: Mapping[str, Pool], appender: Appender, read_side: ReadSide, readiness: Readiness
    ) -> None:
        """`pools`: by their names in metrics."""
        self._observer, self._pools, self._appender, self._read_side = observer, pools, appender, read_side
        self.readiness, self._is_ready = readiness, False
        self._projections: ProjectionList | None = None
        self._registry = prometheus_client.CollectorRegistry()
        self._registry.register(self)
        for collector in (prometheus_client.ProcessCollector, prometheus_client.PlatformCollector, prometheus_client.GCCollector):
            collector(registry=self._registry)

    async def metrics(self) -> bytes:
        """Prometheus' text format; without the projections' states where the database is unavailable."""
        self._is_ready, self._projections = await asyncio.gather(self._check_ready(), self._read_projections())
        return prometheus_client.generate_latest(self._registry)

    async def _check_ready(self) -> bool:
        with suppress(Busy):
            await self.readiness.check()
            return True
        return False

    async def _read_projections(self) -> ProjectionList | None:
        with suppress(psycopg.Error, Busy):
            return await read_projections(self._read_side)
        return None

    def collect(self) -> Iterable[Metric]:
        yield metrics.READY.of(self._is_ready)
        yield metrics.DRAINING.of(self.readiness.is_draining)
        yield from metrics.http_metrics(self._observer)
        yield from metrics.appender_metrics(self._appender)
        yield from metrics.pool_metrics(self._pools)
        yield from metrics.read_side_metrics(self._read_side)
        if self._projections is not None:
            yield from metrics.projection_metrics(self._projections)


@router.get("/health", operation_id="get_health")
async def get_health() -> Status:
    """Responds while the process is alive."""
    return {"status": "alive"}


@router.get("/ready", operation_id="get_ready")
async def get_ready(request: Request) -> Status:
    """Responds with 200 if the process can sell now: the database is migrated, is the primary, and commits writes. Otherwise, and
    while the process drains before it stops, with 503 and the reason."""
    await request.app.state.probes.readiness.check()
    return {"status": "ready"}


@router.get("/metrics", operation_id="get_metrics", response_class=Response)
async def get_metrics(request: Request) -> Response:
    """The metrics of this process, in Prometheus' text format."""
    return Response(await request.app.state.probes.metrics(), media_type=prometheus_client.CONTENT_TYPE_LATEST)
