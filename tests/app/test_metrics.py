"""`/metrics` of an API process: each request is counted by its route, however it was handled."""

import re
from uuid import uuid4

import httpx
import pytest

from app.middleware import OutermostMiddleware
from app.observation import METHODS, RequestObserver
from ledger.client_limits import RateLimiter
from ledger.metrics import Histogram
from tests.metric_samples import Samples
from tests.running_system import Person, Stack, tickets

BOOKINGS = "/api/events/{event_id}/bookings"


class Counted:
    """How much the metrics of a stack rise in a test."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._before = stack, Samples.of(stack.url)

    def rise(self, name: str, **labels: str) -> float:
        return Samples.of(self._stack.url).value(name, **labels) - self._before.value(name, **labels)

    def requests(self, method: str, route: str, status: int) -> float:
        return self.rise("seatledger_http_requests_total", method=method, route=route, status=str(status))


@pytest.fixture
def counted(stack: Stack) -> Counted:
    return Counted(stack)


def test_bookings_of_both_ways_are_counted_by_route_with_durations(
    stack: Stack, counted: Counted, organizer: Person, alice: Person
) -> None:
    id_ = stack.event(organizer)["id"]
    for path in (id_, id_.upper()):  # the second one is not for the fast path
        assert alice.do("POST", f"/api/events/{path}/bookings", tickets()).status_code == 201
    assert alice.do("POST", f"/api/events/{id_}/bookings", tickets(20)).status_code == 409
    assert counted.requests("POST", BOOKINGS, 201) == 2
    assert counted.requests("POST", BOOKINGS, 409) == 1
    assert counted.rise("seatledger_http_problems_total", problem="sold-out") == 1
    assert counted.rise("seatledger_http_request_duration_seconds_count", method="POST", route=BOOKINGS) == 3
    assert counted.rise("seatledger_http_request_duration_seconds_bucket", method="POST", route=BOOKINGS, le="+Inf") == 3
    assert counted.rise("seatledger_http_request_duration_seconds_sum", method="POST", route=BOOKINGS) > 0


def test_commands_are_counted_by_what_they_waited_for(stack: Stack, counted: Counted, organizer: Person, alice: Person) -> None:
    id_ = stack.event(organizer)["id"]
    for _ in range(3):
        alice.ok("POST", f"/api/events/{id_}/bookings", tickets())
    assert counted.rise("seatledger_command_queue_seconds_count") >= 4
    assert counted.rise("seatledger_batch_commands_sum") >= 4
    for part in ("decide", "append"):
        assert counted.rise("seatledger_batch_seconds_count", part=part) >= 4
        assert counted.rise("seatledger_batch_seconds_sum", part=part) > 0
    assert counted.rise("seatledger_entries_appended_total") >= 4


def test_five_specifications_are_counted_under_their_prefix(stack: Stack, counted: Counted) -> None:
    assert stack.http.get("/compat/event-booking/events/").status_code == 200
    assert stack.http.get("/compat/event-booking/nothing").status_code == 404
    assert counted.requests("GET", "/compat/event-booking/events/", 200) == 1


def test_paths_and_methods_that_clients_invent_make_no_labels(stack: Stack, counted: Counted) -> None:
    for number in range(20):
        stack.http.get(f"/api/{uuid4()}")
        stack.http.get(f"/compat/event-booking/{uuid4()}")
        stack.http.request("MKCOL", f"/{number}")
        stack.http.get(f"/api/events/{uuid4()}")
    samples = Samples.of(stack.url)
    assert counted.requests("GET", "unmatched", 404) >= 20
    assert samples.labels("seatledger_http_requests_total", "method") <= {*METHODS, "other"}
    for route in samples.labels("seatledger_http_requests_total", "route"):
        assert not re.search("[0-9a-f]{8}-", route)


def test_readings_of_the_process_are_there(stack: Stack, counted: Counted, organizer: Person) -> None:
    id_ = stack.event(organizer)["id"]
    for _ in range(3):
        stack.nobody().ok("GET", f"/api/events/{id_}", Ledger_Position=organizer.last)
    samples = Samples.of(stack.url)
    assert samples.value("seatledger_ready") == 1
    assert samples.value("seatledger_redis_subscribed") == 1
    assert samples.value("seatledger_pool_limit", pool="query") == stack.settings.database_pool_size
    assert samples.value("seatledger_pool_connections", pool="query") >= 1
    assert counted.rise("seatledger_pool_requests_total", pool="query") >= 1
    assert counted.rise("seatledger_event_reads_total") == 3
    assert samples.value("seatledger_commands_limit") == stack.settings.command_queue_limit


async def test_a_request_that_is_not_answered_counts_as_an_internal_error() -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a mistake")

    observer = RequestObserver(access_log=False)
    app = OutermostMiddleware(fail, observer, RateLimiter(0), seconds=1)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://a") as client:
        await client.get("/")
    [metrics] = observer.routes
    assert (metrics.route, dict(metrics.statuses)) == ("unmatched", {500: 1})


def test_histogram_counts_by_upper_bound() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value)
    assert histogram.cumulative() == [("0.1", 2), ("1.0", 3), ("+Inf", 4)]
    assert histogram.sum == pytest.approx(7.65)
