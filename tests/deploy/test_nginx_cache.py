"""The shipped nginx answers public reads from its cache, for a second; never for an account or for a position."""

import gzip
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running_system import Person, Stack, free_port, tickets
from tests.shipped_nginx import shipped_nginx

#: max-age and stale-while-revalidate, and the time that a poll takes.
SECONDS = 13.0


class Front:
    """nginx, and what it has logged."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self._log = url, log

    def get(self, path: str, **headers: str) -> httpx.Response:
        response = httpx.get(
            self.url + path, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=20
        )
        assert response.status_code in (200, 304), response.text
        return response

    def passed_on(self) -> int:
        """How many requests an API process has answered."""
        return sum("127.0.0.1:" in line.rpartition("s ")[2] for line in self._log.read_text().splitlines() if '"GET /api/' in line)


@pytest.fixture(scope="module")
def front(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    home, port = tmp_path_factory.mktemp("nginx"), free_port()
    with stack.another_api() as url, shipped_nginx(home, port, [stack.settings.port, int(url.rpartition(":")[2])]):
        yield Front(f"http://127.0.0.1:{port}", home / "nginx.log")


@pytest.fixture
def event(stack: Stack, organizer: Person) -> Any:
    event = stack.event(organizer, capacity=50, description="long " * 300)
    stack.settle()
    return event


def test_crowd_is_answered_from_the_cache(front: Front, event: Any) -> None:
    path, before = f"/api/events/{event['id']}", front.passed_on()
    with ThreadPoolExecutor(20) as pool:
        bodies = {response.content for response in pool.map(lambda _: front.get(path), range(400))}
    time.sleep(0.2)
    passed_on = front.passed_on() - before
    print(f"400 reads of an event: {passed_on} reached the API")
    assert len(bodies) == 1
    assert passed_on <= 40


def test_booking_shows_in_the_cache_soon_and_to_its_customer_at_once(front: Front, event: Any, alice: Person) -> None:
    path = f"/api/events/{event['id']}"
    assert front.get(path).json()["available"] == 55
    alice.ok("POST", f"{path}/bookings", tickets(2))
    alice.see("/api/bookings?limit=1")
    mine = front.get(path, Ledger_Position=alice.last)
    assert mine.json()["available"] == 53
    assert mine.headers["cache-control"] == "no-store"
    deadline = time.monotonic() + SECONDS
    while front.get(path).json()["available"] != 53:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_answer_to_an_account_is_neither_kept_nor_taken_from_the_cache(front: Front, event: Any, alice: Person) -> None:
    path = f"/api/events/{event['id']}?account"
    sessions = (f"theme=dark; seatledger_session={alice.token}", f"__Host-seatledger_session={alice.token}")
    for headers in ({"Authorization": f"Bearer {alice.token}"}, *({"Cookie": cookie} for cookie in sessions)):
        front.get(path)
        before = front.passed_on()
        assert front.get(path, **headers).headers["cache-control"] == "no-store"
        assert front.get(path, **headers).headers["cache-control"] == "no-store"
        time.sleep(0.2)
        assert front.passed_on() - before >= 2
        assert front.get(path).headers["cache-control"].startswith("public")


def test_encodings_and_conditions_are_those_of_the_client(front: Front, event: Any) -> None:
    path = f"/api/events/{event['id']}?encodings"
    with httpx.Client(base_url=front.url) as http:
        compressed = http.send(http.build_request("GET", path, headers={"Accept-Encoding": "gzip"}), stream=True)
        raw = b"".join(compressed.iter_raw())
        plain = http.get(path, headers={"Accept-Encoding": "identity"})
    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 2
    assert front.get(path, Accept_Encoding="gzip", If_None_Match=compressed.headers["etag"]).status_code == 304
    assert front.get(path, Accept_Encoding="gzip", If_None_Match='"other"').status_code == 200


def test_lists_of_an_account_are_compressed(front: Front, alice: Person, event: Any) -> None:
    for _ in range(4):
        alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    alice.see("/api/bookings?limit=1")
    response = front.get("/api/bookings", Authorization=f"Bearer {alice.token}", Ledger_Position=alice.last)
    assert response.headers["content-encoding"] == "gzip"
    assert len(response.json()["items"]) >= 4


def test_each_response_has_the_id_of_its_own_request(front: Front, event: Any) -> None:
    path = f"/api/events/{event['id']}"
    ids = {front.get(path).headers["X-Request-Id"] for _ in range(5)}
    assert len(ids) == 5
    assert front.get(path, X_Request_Id="mine").headers.get_list("X-Request-Id") == ["mine"]
    assert "@" not in front.get(path, X_Request_Id="me@example.test").headers["X-Request-Id"]
    problem = httpx.get(f"{front.url}/api/nothing", headers={"X-Request-Id": "lost"})
    assert problem.json()["request_id"] == problem.headers["X-Request-Id"] == "lost"
    too_large = httpx.post(f"{front.url}/api/login", content=b" " * 70_000)
    assert too_large.json()["request_id"] == too_large.headers["X-Request-Id"]
