"""The metrics of an API process: each family, and what its values are taken from. docs/metrics.md is made of the families."""

from collections.abc import Iterable, Mapping
from typing import get_args

from prometheus_client.core import Metric

from app.observation import RequestObserver
from commands.appender.appender import Appender
from ledger.metrics import Family, Labels
from ledger.pool import Pool
from projections.registry import PROJECTORS
from query_api.read_side import ReadSide
from query_api.responses.system_views import ProjectionList, ProjectionState, SigningState, SubscriptionState

READY = Family("seatledger_ready", "gauge", "1: this process can sell now, as `/ready` says")
DRAINING = Family("seatledger_draining", "gauge", "1: this process was told to stop")

REQUESTS = Family("seatledger_http_requests", "counter", "Responses", ("method", "route", "status"))
REQUEST_SECONDS = Family(
    "seatledger_http_request_duration_seconds",
    "histogram",
    "From a request's head to its response's",
    ("method", "route"),
)
PROBLEMS = Family("seatledger_http_problems", "counter", "Responses with a problem, by its type", ("problem",))

COMMANDS_HELD = Family("seatledger_commands_held", "gauge", "Commands waiting or in flight")
COMMANDS_LIMIT = Family("seatledger_commands_limit", "gauge", "COMMAND_QUEUE_LIMIT: past it commands are refused")
QUEUE_SECONDS = Family("seatledger_command_queue_seconds", "histogram", "From a command's arrival to the batch that takes it")
BATCH_COMMANDS = Family("seatledger_batch_commands", "histogram", "Commands decided together")
BATCH_SECONDS = Family(
    "seatledger_batch_seconds", "histogram",
    "Parts of a batch: `connect` anew, take the `lock` first where others write to the same events, `decide`, `append` and commit",
    ("part",),
)  # fmt: skip
BATCH_FAILURES = Family("seatledger_batch_failures", "counter", "Tries of a batch that failed, by the reason", ("reason",))
APPENDS = Family("seatledger_appends", "counter", "Transactions that appended entries")
ENTRIES = Family("seatledger_entries_appended", "counter", "Entries appended by this process")
WENT_BACK = Family("seatledger_ledger_went_back", "counter", "How often entries that this process knew were missing")
FORGED = Family("seatledger_forged_entries_read", "counter", "How often an entry was read that Seatledger did not write")
EVENTS_CACHED = Family("seatledger_events_cached", "gauge", "Events in the cache of the write side")
EVENTS_CACHED_BYTES = Family("seatledger_events_cached_bytes", "gauge", "Estimated bytes of cached events")

POOL_LIMIT = Family("seatledger_pool_limit", "gauge", "Connections that a pool may open", ("pool",))
POOL_CONNECTIONS = Family("seatledger_pool_connections", "gauge", "Connections that are open", ("pool", "state"))
POOL_WAITING = Family("seatledger_pool_waiting", "gauge", "Requests that wait for a connection", ("pool",))
POOL_REQUESTS = Family("seatledger_pool_requests", "counter", "Connections asked for", ("pool",))
POOL_WAIT_SECONDS = Family("seatledger_pool_wait_seconds", "counter", "Time that requests waited for a connection", ("pool",))
POOL_ERRORS = Family("seatledger_pool_errors", "counter", "Connections that could not be had", ("pool",))

LIVE_STREAMS = Family("seatledger_live_streams", "gauge", "Event streams open")
LIVE_STREAMS_LIMIT = Family("seatledger_live_streams_limit", "gauge", "LIVE_STREAMS_LIMIT: past it streams are refused")
POSITION_WAITERS = Family("seatledger_position_waiters", "gauge", "Queries that wait for a Ledger-Position")
EVENT_READS = Family("seatledger_event_reads", "counter", "Queries of events, answered from memory (`hit`) or not", ("result",))
REDIS_SUBSCRIBED = Family("seatledger_redis_subscribed", "gauge", "1: positions are received from Redis")
STANDBY = Family("seatledger_standby_usable", "gauge", "1: queries may go to a standby; none without DATABASE_READ_URL")

POSITION = Family("seatledger_projection_position", "gauge", "Its ledger position, as last published", ("projection",))
LAG_ENTRIES = Family("seatledger_projection_lag_entries", "gauge", "Entries behind, up to 100,000", ("projection",))
LAG_SECONDS = Family("seatledger_projection_lag_seconds", "gauge", "Age of the oldest entry not projected yet", ("projection",))
SET_ASIDE = Family("seatledger_projection_set_aside", "gauge", "Events that it has set aside", ("projection",))
STATE = Family("seatledger_projection_state", "gauge", "1: the present state", ("projection", "state"))
SUBSCRIPTION_LAG_ENTRIES = Family(
    "seatledger_subscription_lag_entries", "gauge", "Entries behind, up to 100,000: of mail and webhooks", ("subscription",)
)
SUBSCRIPTION_LAG_SECONDS = Family(
    "seatledger_subscription_lag_seconds", "gauge", "Age of the oldest entry that it has not passed", ("subscription",)
)
SUBSCRIPTION_STATE = Family("seatledger_subscription_state", "gauge", "1: the present state", ("subscription", "state"))
SIGNING = Family("seatledger_log_signing", "gauge", "1: the present state of signing the log", ("state",))
PROVEN = Family("seatledger_verification_proven", "gauge", "1: the last one found nothing altered")
VERIFIED_AT = Family("seatledger_verification_timestamp_seconds", "gauge", "When the last one ended")


def http_metrics(observer: RequestObserver) -> Iterable[Metric]:
    routes = observer.routes
    statuses: dict[Labels, float] = {
        (one.method, one.route, str(status)): count for one in routes for status, count in one.statuses.items()
    }
    yield REQUESTS.of_each(statuses)
    yield REQUEST_SECONDS.of_histograms({(one.method, one.route): one.durations for one in routes})
    yield PROBLEMS.of_each({(problem,): count for problem, count in observer.problems.items()})


def appender_metrics(appender: Appender) -> Iterable[Metric]:
    timings = appender.timings
    yield COMMANDS_HELD.of(appender.pending)
    yield COMMANDS_LIMIT.of(appender.queue_limit)
    yield QUEUE_SECONDS.of_histograms({(): timings.queue})
    yield BATCH_COMMANDS.of_histograms({(): timings.sizes})
    yield BATCH_SECONDS.of_histograms({(part,): histogram for part, histogram in timings.parts.items()})
    yield BATCH_FAILURES.of_each({(reason,): count for reason, count in timings.failures.items()})
    yield APPENDS.of(appender.appends)
    yield ENTRIES.of(appender.entries)
    yield WENT_BACK.of(appender.anchor.losses)
    yield FORGED.of(appender.forged_entries_read)
    yield EVENTS_CACHED.of(len(appender.cache))
    yield EVENTS_CACHED_BYTES.of(appender.cache.bytes)


def pool_metrics(pools: Mapping[str, Pool]) -> Iterable[Metric]:
    stats = {(name,): pool.get_stats() for name, pool in pools.items()}
    yield POOL_LIMIT.of_each({pool: of.get("pool_max", 0) for pool, of in stats.items()})
    states: dict[Labels, float] = {(*pool, "idle"): of.get("pool_available", 0) for pool, of in stats.items()}
    states |= {(*pool, "used"): max(of.get("pool_size", 0) - of.get("pool_available", 0), 0) for pool, of in stats.items()}
    yield POOL_CONNECTIONS.of_each(states)
    yield POOL_WAITING.of_each({pool: of.get("requests_waiting", 0) for pool, of in stats.items()})
    yield POOL_REQUESTS.of_each({pool: of.get("requests_num", 0) for pool, of in stats.items()})
    yield POOL_WAIT_SECONDS.of_each({pool: of.get("requests_wait_ms", 0) / 1000 for pool, of in stats.items()})
    yield POOL_ERRORS.of_each({pool: of.get("requests_errors", 0) for pool, of in stats.items()})


def read_side_metrics(read_side: ReadSide) -> Iterable[Metric]:
    cache, positions = read_side.event_read_cache, read_side.positions
    yield LIVE_STREAMS.of(read_side.feed.count)
    yield LIVE_STREAMS_LIMIT.of(read_side.feed.limit)
    yield POSITION_WAITERS.of(positions.waiting)
    yield EVENT_READS.of_each({("hit",): cache.hits, ("miss",): cache.misses})
    yield REDIS_SUBSCRIBED.of(positions.is_subscribed)
    yield STANDBY.of_each({} if read_side.uses_standby is None else {(): read_side.uses_standby})
    yield POSITION.of_each({(name,): positions.known(name) for name in PROJECTORS})


def projection_metrics(view: ProjectionList) -> Iterable[Metric]:
    """What the database says of the projections; not there while it is unavailable."""
    yield LAG_ENTRIES.of_each({(one.name,): one.lag_entries for one in view.items})
    yield LAG_SECONDS.of_each({(one.name,): one.lag_seconds for one in view.items})
    yield SET_ASIDE.of_each({(one.name,): len(one.set_aside) for one in view.items})
    states = get_args(ProjectionState.__value__)
    yield STATE.of_each({(one.name, state): state == one.state for one in view.items for state in states})
    yield SUBSCRIPTION_LAG_ENTRIES.of_each({(one.name,): one.lag_entries for one in view.subscriptions})
    yield SUBSCRIPTION_LAG_SECONDS.of_each({(one.name,): one.lag_seconds for one in view.subscriptions})
    states = get_args(SubscriptionState.__value__)
    yield SUBSCRIPTION_STATE.of_each({(one.name, state): state == one.state for one in view.subscriptions for state in states})
    signing, verification = view.signing, view.verification
    yield SIGNING.of_each({(state,): state == signing.state for state in get_args(SigningState.__value__)} if signing else {})
    yield PROVEN.of_each({(): verification.finding is None} if verification else {})
    yield VERIFIED_AT.of_each({(): verification.finished_at.timestamp()} if verification else {})
