"""The fast path for public reads (`app/fast_path/public_reads.py`) and the documented routes give the same responses."""

from typing import Any

import httpx
import pytest

from tests.running_system import Person, Stack, tickets

GIVEN: dict[str, dict[str, str]] = {
    "nothing": {},
    "a browser": {"Accept": "text/html", "Accept-Encoding": "gzip, br", "Cookie": "theme=dark"},
    "no compression": {"Accept-Encoding": "identity"},
    "another ETag": {"If-None-Match": '"7-0"'},
    "any ETag": {"If-None-Match": "*"},
    "a request id": {"X-Request-Id": "mine-1"},
}


@pytest.fixture(scope="module")
def event(stack: Stack) -> Any:
    organizer = stack.person("organizer")
    event = stack.event(organizer, description="long " * 300, name="Public")
    stack.settle()
    return event


def comparable(response: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    varying = {"date", "ledger-position", "x-request-id"}
    return response.status_code, {name: value for name, value in response.headers.items() if name not in varying}, response.content


@pytest.mark.parametrize("given", GIVEN)
def test_event_is_the_same_both_ways(given: str, stack: Stack, event: Any) -> None:
    paths = [f"/api/events/{id_}" for id_ in (event["id"], event["id"].upper())]  # the second is left to the framework
    fast, documented = (comparable(stack.http.get(path, headers=GIVEN[given])) for path in paths)
    assert fast == documented
    assert fast[0] == (304 if given == "any ETag" else 200)


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("query", ["", "?q=Public&limit=3", "?status=all&limit=1"])
def test_page_is_the_same_both_ways(given: str, query: str, stack: Stack, event: Any) -> None:
    """The first request with a query string goes to the framework, as does one with a parameter that nobody has sent yet."""
    fast = comparable(stack.http.get(f"/api/events{query}", headers=GIVEN[given]))
    again = comparable(stack.http.get(f"/api/events{query}", headers=GIVEN[given]))
    assert fast == again
    assert again[0] == (304 if given == "any ETag" else 200)


@pytest.mark.parametrize("query", ["?limit=0", "?limit=201", "?cursor=x", "?status=sold", "?from=tomorrow"])
def test_bad_query_is_refused_each_time(query: str, stack: Stack) -> None:
    assert {stack.http.get(f"/api/events{query}").status_code for _ in range(3)} == {422}


def test_seats_are_up_to_date(stack: Stack, event: Any, alice: Person) -> None:
    path = f"/api/events/{event['id']}"
    before = stack.http.get(path)
    alice.ok("POST", f"{path}/bookings", tickets(1))
    stack.settle()
    for _ in range(100):
        after = stack.http.get(path, headers={"If-None-Match": before.headers["etag"]})
        if after.status_code == 200:
            break
    assert after.json()["available"] == before.json()["available"] - 1
    assert stack.http.get(path, headers={"If-None-Match": after.headers["etag"]}).status_code == 304


def test_unknown_event_is_404(stack: Stack) -> None:
    assert stack.http.get("/api/events/00000000-0000-4000-8000-000000000000").status_code == 404


def test_requests_are_answered_from_memory(stack: Stack, event: Any) -> None:
    path = f"/api/events/{event['id']}"
    stack.http.get(path)
    before = stack.http.get("/metrics").text
    for _ in range(20):
        stack.http.get(path)
    after = stack.http.get("/metrics").text
    assert hits(after) - hits(before) >= 18


def hits(metrics: str) -> float:
    (line,) = [line for line in metrics.splitlines() if "event" in line and "hit" in line and not line.startswith("#")]
    return float(line.rpartition(" ")[2])
