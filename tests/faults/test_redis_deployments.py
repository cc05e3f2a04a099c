"""Everything that uses Redis does so over TLS, and finds the master by Sentinel, also after a failover."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID

import kombu.exceptions
import pytest
import redis

from accounts.attempt_counts import AttemptCounts
from accounts.rate_limiters import LoginRateLimiter
from ledger import redis_clients
from ledger.settings import Settings
from projections.registry import PROJECTORS
from projections.wake_ups import make_celery_app
from query_api.live.positions import PositionTracker
from query_api.queries.position_queries import ProjectionPositionRow
from tests.redis_servers import Deployment, behind_sentinels, over_tls
from tests.workers.deployment import Grow, a_worker, position, process, send_wake_ups, wait_until
from workers.worker import Worker

ONE = UUID(int=0x1)
#: From a master's end until everything is back: Sentinel notices it, elects, promotes, and the clients reconnect.
FAILOVER_SECONDS = 20.0
DEPLOYMENTS: dict[str, Callable[[Path], AbstractContextManager[Deployment]]] = {
    "rediss": over_tls,
    "sentinel": behind_sentinels,
    "sentinels": partial(behind_sentinels, tls=True),
}


@pytest.fixture(params=DEPLOYMENTS)
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    with DEPLOYMENTS[request.param](tmp_path) as running:
        yield running


@asynccontextmanager
async def tracking(redis_url: str) -> AsyncIterator[PositionTracker]:
    """The positions that an API process receives."""

    async def nothing() -> list[ProjectionPositionRow]:
        return []

    tracker = PositionTracker(nothing, redis_url)
    await tracker.start()
    try:
        yield tracker
    finally:
        await tracker.close()


async def receives(tracker: PositionTracker, worker: Worker, grow: Grow) -> float:
    """How long it takes until a worker, woken by Redis, has projected an entry and the tracker has heard of it."""
    began = time.monotonic()
    while time.monotonic() < began + 60:
        await asyncio.to_thread(grow, ONE, 2)
        head = worker.ledger.head()
        for _ in range(20):
            if tracker.known("revenue") >= head:
                return time.monotonic() - began
            await asyncio.sleep(0.05)
    raise AssertionError("nothing is received")


async def count_log_in(redis_url: str) -> None:
    counts = AttemptCounts(redis_url, b"key")
    limiter = LoginRateLimiter(counts, 10)
    with pytest.raises(ZeroDivisionError):
        async with limiter.attempt("alice@example.test", "192.0.2.1"):
            raise ZeroDivisionError
    await counts.close()


async def test_all_users_of_redis_work_and_survive_a_failover(deployment: Deployment, settings: Settings, grow: Grow) -> None:
    settings = replace(settings, redis_url=deployment.url, verify_hours=0)
    with ExitStack() as stack:
        worker = stack.enter_context(a_worker(settings))
        stack.enter_context(process(settings, "worker"))
        stack.enter_context(process(settings, "tick"))
        async with tracking(deployment.url) as tracker:
            await receives(tracker, worker, grow)
            await count_log_in(deployment.url)
            with redis_clients.client(deployment.url, seconds=2) as client:
                assert len(client.keys("seatledger*log-in*")) == 5
                if "sentinel" in deployment.url:
                    deployment.master.kill()
                    seconds = await receives(tracker, worker, grow)
                    print(f"a failover by Sentinel: positions are received again after {seconds:.1f} s")
                    assert seconds < FAILOVER_SECONDS
                    client.delete(*PROJECTORS)
                    send_wake_ups(settings)
                    await asyncio.to_thread(wait_until, lambda: not client.exists(*PROJECTORS), "the worker takes its wake-ups")
                    await count_log_in(deployment.url)
                    assert len(client.keys("seatledger*log-in*")) == 5
        assert position(worker, "revenue") > 0


@pytest.mark.parametrize("kind", ["rediss", "sentinels"])
async def test_a_certificate_that_is_not_trusted_is_refused(kind: str, settings: Settings, tmp_path: Path) -> None:
    """kombu does not say why Sentinels are of no use; the wake-ups, which ask first, do."""
    with DEPLOYMENTS[kind](tmp_path) as running:
        untrusted = replace(settings, redis_url=running.url.replace(f"ssl_ca_certs={running.authority}", ""))
        app = make_celery_app(untrusted)
        with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
            send_wake_ups(untrusted)
        with pytest.raises(redis.ConnectionError):
            async with redis_clients.async_client(untrusted.redis_url, seconds=2, connect_seconds=2) as client:
                await client.ping()
        refused = "certificate verify failed" if kind == "rediss" else "No master found"
        with app.connection_for_write() as broker, pytest.raises(kombu.exceptions.OperationalError, match=refused):
            broker.ensure_connection(max_retries=1, interval_start=0)
        unverified = replace(untrusted, redis_url=f"{untrusted.redis_url}&ssl_cert_reqs=none")
        send_wake_ups(unverified)


def test_sentinels_that_are_away_are_named(settings: Settings) -> None:
    with pytest.raises(redis.ConnectionError) as raised:
        send_wake_ups(replace(settings, redis_url="sentinel://127.0.0.1:1,127.0.0.1:2/seats"))
    refused = "Error 111 connecting to 127.0.0.1:{}. Connection refused."
    assert str(raised.value) == f"No Sentinel names a master seats: {refused.format(1)}; {refused.format(2)}"
