"""accounts/login_rate_limiter.py"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import redis

from accounts.errors import TooManyAttempts, WrongCredentials
from accounts.login_rate_limiter import ADDRESS_FACTOR, LoginRateLimiter, _block
from ledger.errors import Busy

KEY = bytes(32)
ALICE = "alice@example.test"


@pytest.fixture(params=[pytest.param("redis", marks=pytest.mark.servers), "memory"])
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[LoginRateLimiter]:
    limiter = LoginRateLimiter(10, request.getfixturevalue("redis_url") if request.param == "redis" else "", KEY)
    yield limiter
    await limiter.close()


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A server that accepts connections and never replies."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


async def fail(limiter: LoginRateLimiter, email: str = ALICE, address: str = "192.0.2.1") -> bool:
    """A failed attempt; whether the limiter allowed it."""
    with pytest.raises((WrongCredentials, TooManyAttempts)) as refusal:
        async with limiter.attempt(email, address):
            raise WrongCredentials
    assert 1 <= getattr(refusal.value, "retry_after_seconds", 1) <= 60
    return refusal.type is WrongCredentials


async def test_an_account_has_ten_attempts_from_all_addresses(limiter: LoginRateLimiter) -> None:
    tried = [await fail(limiter, address=f"192.0.2.{number}") for number in range(30)]
    assert tried == [True] * 10 + [False] * 20
    assert await fail(limiter, email="bob@example.test")


async def test_an_address_has_ten_times_as_many_attempts(limiter: LoginRateLimiter) -> None:
    tried = [await fail(limiter, email=f"{number}@example.test") for number in range(10 * ADDRESS_FACTOR + 20)]
    assert tried == [True] * 10 * ADDRESS_FACTOR + [False] * 20
    assert await fail(limiter, address="192.0.2.2")


async def test_concurrent_attempts_do_not_exceed_the_limit(limiter: LoginRateLimiter) -> None:
    assert sum(await asyncio.gather(*(fail(limiter) for _ in range(100)))) == 10


async def test_successful_log_ins_are_not_counted(limiter: LoginRateLimiter) -> None:
    for _ in range(9):
        assert await fail(limiter)
    for _ in range(30):
        async with limiter.attempt(ALICE, "192.0.2.1"):
            pass
    assert [await fail(limiter), await fail(limiter)] == [True, False]


async def test_busy_log_ins_are_not_counted(limiter: LoginRateLimiter) -> None:
    for _ in range(30):
        with pytest.raises(Busy):
            async with limiter.attempt(ALICE, "192.0.2.1"):
                raise Busy
    assert await fail(limiter)


async def test_processes_share_a_count(redis_url: str) -> None:
    one, other = LoginRateLimiter(10, redis_url, KEY), LoginRateLimiter(10, redis_url, KEY)
    tried = [await fail(process) for process in (one, other) for _ in range(6)]
    assert tried == [True] * 10 + [False] * 2
    await one.close()
    await other.close()


async def test_redis_gets_no_names(redis_url: str) -> None:
    limiter = LoginRateLimiter(10, redis_url, KEY)
    await fail(limiter)
    await limiter.close()
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        stored = " ".join([f"{key} {client.get(key)} {client.ttl(key)}" for key in client.scan_iter()])
    assert stored
    assert "alice" not in stored
    assert "192.0.2" not in stored


async def test_a_process_counts_alone_without_redis(black_hole: str) -> None:
    for url in (black_hole, "redis://127.0.0.1:1/0"):
        limiter = LoginRateLimiter(10, url, KEY)
        began = time.monotonic()
        assert [await fail(limiter) for _ in range(12)] == [True] * 10 + [False] * 2
        assert time.monotonic() - began < 1.5, "only the first one waits for it"
        await limiter.close()


def test_an_ipv6_network_is_one_address() -> None:
    assert _block("2001:db8::1") == _block("2001:db8::ffff:1") != _block("2001:db8:0:1::1")
    assert _block("::ffff:192.0.2.1") == _block("192.0.2.1") != _block("192.0.2.2")
    assert _block("unknown") == "unknown"
