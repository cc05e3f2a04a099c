"""accounts/rate_limiters.py, accounts/attempt_counts.py, accounts/known_devices.py"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import UUID, uuid4

import pytest
import redis

from accounts import known_devices
from accounts.attempt_counts import AttemptCounts
from accounts.errors import TooManyAttempts, WrongCredentials
from accounts.known_devices import KnownDevices
from accounts.rate_limiters import (
    ADDRESS_FACTOR,
    CLIENT_FACTOR,
    HOUR_FACTOR,
    STRANGERS_HOUR_FACTOR,
    GuestMailLimiter,
    LoginRateLimiter,
    SignUpRateLimiter,
)
from ledger.client_address import client_key
from ledger.errors import Busy, EmailUnverified, SoldOut
from tests.soak import rounds

KEY = bytes(32)
ALICE = "alice@example.test"


@pytest.fixture(params=[pytest.param("redis", marks=pytest.mark.servers), "memory"])
async def counts(request: pytest.FixtureRequest) -> AsyncIterator[AttemptCounts]:
    counts = AttemptCounts(request.getfixturevalue("redis_url") if request.param == "redis" else "", KEY)
    yield counts
    await counts.close()


@pytest.fixture
def limiter(counts: AttemptCounts) -> LoginRateLimiter:
    return LoginRateLimiter(counts, 10)


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A server that accepts connections and never replies."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


async def fail(limiter: LoginRateLimiter, email: str = ALICE, address: str = "192.0.2.1", device: str | None = None) -> bool:
    """A failed attempt; whether the limiter allowed it."""
    with pytest.raises((WrongCredentials, TooManyAttempts)) as refusal:
        async with limiter.attempt(email, address, device):
            raise WrongCredentials
    assert 1 <= getattr(refusal.value, "retry_after_seconds", 1) <= 3600
    return refusal.type is WrongCredentials


async def test_an_account_has_ten_attempts_a_minute_from_an_address(limiter: LoginRateLimiter) -> None:
    assert [await fail(limiter) for _ in range(15)] == [True] * 10 + [False] * 5
    assert await fail(limiter, address="192.0.2.2"), "the owner is elsewhere"
    assert await fail(limiter, email="bob@example.test")


async def test_guesses_from_many_addresses_are_bounded(counts: AttemptCounts) -> None:
    """Strangers with 10,000 tries, each from another address, get as many as a hundred; the owner logs in on a known device."""
    limiter, tries = LoginRateLimiter(counts, 10), rounds(1_000, 10_000)
    tried = 0
    for number in range(tries):
        tried += await fail(limiter, address=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    print(f"S4: {tries} tries from as many addresses: {tried} passwords checked")
    assert tried == 10 * STRANGERS_HOUR_FACTOR
    assert not await fail(limiter, address="192.0.2.99")
    async with limiter.attempt(ALICE, "192.0.2.1", "a known device"):
        pass


async def test_one_address_can_not_use_up_the_attempts_of_all(counts: AttemptCounts) -> None:
    limiter = LoginRateLimiter(counts, 1_000)
    assert sum([await fail(limiter) for _ in range(1_100)]) == 1_000
    assert HOUR_FACTOR < STRANGERS_HOUR_FACTOR
    assert await fail(limiter, address="192.0.2.2")


async def test_a_known_device_is_limited_too(limiter: LoginRateLimiter) -> None:
    tried = [await fail(limiter, address=f"192.0.2.{number}", device="d") for number in range(15)]
    assert tried == [True] * 10 + [False] * 5


async def test_guesses_from_all_known_devices_are_bounded(counts: AttemptCounts) -> None:
    limiter = LoginRateLimiter(counts, 10)
    assert sum([await fail(limiter, device=str(number)) for number in range(150)]) == 10 * STRANGERS_HOUR_FACTOR
    assert await fail(limiter), "strangers have their own"


def test_a_device_is_known_to_the_accounts_that_logged_in_there(monkeypatch: pytest.MonkeyPatch) -> None:
    devices, alice, bob = KnownDevices(KEY), uuid4(), uuid4()
    cookie = devices.remember("", alice)
    device = devices.device_of(cookie, alice)
    assert device
    assert devices.device_of(cookie, bob) is None
    both = devices.remember(cookie, bob)
    assert devices.device_of(both, alice) == device
    assert devices.device_of(both, bob) not in (None, device)
    assert devices.device_of(devices.remember(both, alice), alice) == device, "it keeps its id, and its count"
    assert KnownDevices(bytes(31) + b"x").device_of(cookie, alice) is None, "signed by another key"
    for forged in ("", ".", cookie[:-1], f"x{cookie[1:]}", "é" * 36, cookie[::-1], f"{'A' * 36}." * 9):
        assert devices.device_of(forged, alice) is None, forged
    for number in range(known_devices.MAX_ACCOUNTS):
        both = devices.remember(both, UUID(int=number))
    assert devices.device_of(both, alice) is None
    assert len(both) < 200
    later = time.time() + (known_devices.DAYS + 2) * 86_400
    monkeypatch.setattr("accounts.known_devices.time.time", lambda: later)
    assert devices.device_of(cookie, alice) is None


async def test_sign_ups_of_an_address_are_limited(counts: AttemptCounts) -> None:
    limiter, made = SignUpRateLimiter(counts, 3), 0
    for _ in range(9):
        try:
            async with limiter.attempt("192.0.2.1"):
                made += 1
        except TooManyAttempts:
            continue
    assert made == 3
    async with limiter.attempt("192.0.2.2"):
        pass
    for _ in range(9):
        async with SignUpRateLimiter(counts, 0).attempt("192.0.2.1"):
            pass


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


async def test_processes_share_a_count_however_many_log_in_at_once(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    processes = [AttemptCounts(redis_url, KEY) for _ in range(2)]
    limiters = [LoginRateLimiter(counts, 10) for counts in processes]
    tried = await asyncio.gather(*(fail(limiter) for limiter in limiters for _ in range(200)))
    assert sum(tried) == 10
    assert not caplog.records, "Redis was never given up"
    for counts in processes:
        await counts.close()


async def test_redis_gets_no_names(redis_url: str) -> None:
    counts = AttemptCounts(redis_url, KEY)
    await fail(LoginRateLimiter(counts, 10))
    await counts.close()
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        stored = " ".join([f"{key} {client.get(key)} {client.ttl(key)}" for key in client.scan_iter()])
    assert stored
    assert "alice" not in stored
    assert "192.0.2" not in stored


async def test_a_process_counts_alone_without_redis(black_hole: str, caplog: pytest.LogCaptureFixture) -> None:
    for url in (black_hole, "redis://127.0.0.1:1/0"):
        counts = AttemptCounts(url, KEY)
        limiter = LoginRateLimiter(counts, 10)
        caplog.clear()
        began = time.monotonic()
        assert [await fail(limiter) for _ in range(12)] == [True] * 10 + [False] * 2
        assert time.monotonic() - began < 2.5, "only the first one waits for it"
        assert len(caplog.records) == 1, "said once"
        await counts.close()


def test_an_ipv6_network_is_one_address() -> None:
    assert client_key("2001:db8::1") == client_key("2001:db8::ffff:1") != client_key("2001:db8:0:1::1")
    assert client_key("::ffff:192.0.2.1") == client_key("192.0.2.1") != client_key("192.0.2.2")
    assert client_key("unknown") == "unknown"


# --- mails to people without an account


async def ask_for_code(limiter: GuestMailLimiter, email: str, address: str) -> bool:
    """Whether a code is sent."""
    try:
        await limiter.count_code(email, address)
    except TooManyAttempts:
        return False
    return True


async def book_unproven(limiter: GuestMailLimiter, email: str, address: str, refusal: Exception | None = None) -> bool:
    """Whether it is booked, where it is not refused for another reason."""
    try:
        async with limiter.unproven_booking(email, address):
            if refusal is not None:
                raise refusal
    except EmailUnverified:
        return False
    except SoldOut:
        pass
    return True


@pytest.mark.parametrize("attempt", [ask_for_code, book_unproven])
async def test_mails_to_one_address_are_bounded_however_many_ask(
    attempt: Callable[[GuestMailLimiter, str, str], Awaitable[bool]], counts: AttemptCounts, capsys: pytest.CaptureFixture[str]
) -> None:
    """S18: no mail bomb."""
    limiter, tries = GuestMailLimiter(counts, 5), rounds(200, 10_000)
    sent = [await attempt(limiter, ALICE, f"10.{number >> 8}.{number & 255}.1") for number in range(tries)]
    assert sum(sent) == 5
    assert await attempt(limiter, "bob@example.test", "192.0.2.1"), "others are not kept out"
    print(f"S18: {tries} mails to one address asked for from as many others: {sum(sent)} sent in an hour")


async def test_mails_that_one_client_has_sent_are_bounded(counts: AttemptCounts) -> None:
    limiter = GuestMailLimiter(counts, 1)
    sent = [await ask_for_code(limiter, f"{number}@example.test", "192.0.2.1") for number in range(CLIENT_FACTOR + 5)]
    assert sum(sent) == CLIENT_FACTOR
    assert await ask_for_code(limiter, "another@example.test", "192.0.2.2")


async def test_refused_guests_do_not_use_up_their_bookings(counts: AttemptCounts) -> None:
    limiter = GuestMailLimiter(counts, 5)
    assert all([await book_unproven(limiter, ALICE, "192.0.2.1", SoldOut("General", 0)) for _ in range(20)])
    assert [await book_unproven(limiter, ALICE, "192.0.2.1") for _ in range(6)] == [True] * 5 + [False]
