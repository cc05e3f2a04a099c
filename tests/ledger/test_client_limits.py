"""What one client may take: `ledger/client_limits.py`, `ledger/client_address.py`, `app/connections.py`."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connections import ConnectionLimiter
from ledger import client_limits
from ledger.client_address import client_key
from ledger.client_limits import OpenLimiter, RateLimiter
from ledger.errors import TooManyRequests


@given(
    limit=st.integers(1, 4),
    requests=st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 50)), max_size=60),
)
def test_no_key_passes_its_limit_in_any_minute(limit: int, requests: list[tuple[str, float]]) -> None:
    now = 0.0
    limiter = RateLimiter(limit, clock=lambda: now)
    passed: list[tuple[str, float]] = []
    for key, pause in requests:
        now += pause
        try:
            limiter.count(key)
        except TooManyRequests as error:
            now += error.retry_after_seconds
            limiter.count(key)  # as it said
        passed.append((key, now))
    assert now <= (60 + 50) * len(requests), "nobody waits longer than a minute"
    for _, start in passed:  # a minute of the clock lies within two minutes of the limiter
        counts = Counter(key for key, at in passed if start <= at < start + 60)
        assert all(count <= 2 * limit for count in counts.values())


def test_zero_is_no_limit() -> None:
    limiter, opened = RateLimiter(0), OpenLimiter(0)
    for _ in range(1000):
        limiter.count("a")
        assert opened.add("a")


def test_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_limits, "MAX_KEYS", 10)
    limiter = RateLimiter(1, clock=lambda: 0.0)
    for key in range(1000):
        limiter.count(key)
        assert len(limiter._counts) <= 10


@given(limit=st.integers(1, 3), steps=st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=50))
def test_nothing_is_open_past_the_limit_and_closed_ones_make_room(limit: int, steps: list[tuple[str, bool]]) -> None:
    limiter, opened = OpenLimiter(limit), Counter[str]()
    for key, is_opening in steps:
        if is_opening:
            assert limiter.add(key) == (opened[key] < limit)
            opened[key] = min(limit, opened[key] + 1)
        elif opened[key]:
            limiter.remove(key)
            opened[key] -= 1
    assert {key: count for key, count in opened.items() if count} == dict(limiter._open)


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_network(host: str, key: str) -> None:
    assert client_key(host) == key


def test_trusted_proxies_are_not_counted() -> None:
    limiter = ConnectionLimiter(1, "192.0.2.1,10.0.0.0/8")
    assert [limiter.add(("192.0.2.1", 1)) for _ in range(3)] == ["", "", ""]
    assert [limiter.add(("10.1.2.3", 1)) for _ in range(3)] == ["", "", ""]
    assert limiter.add(("192.0.2.2", 1)) == "192.0.2.2"
    assert limiter.add(("192.0.2.2", 2)) is None
    limiter.remove(None)
    assert limiter.add(("192.0.2.2", 3)) is None
    limiter.remove("192.0.2.2")
    assert limiter.add(("192.0.2.2", 4)) == "192.0.2.2"
