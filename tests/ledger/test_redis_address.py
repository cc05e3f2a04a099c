"""REDIS_URL: its forms, and what is said of a wrong one."""

import pytest

from ledger.redis_address import RedisAddress, parse_redis_url
from ledger.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis:", RedisAddress(hosts=(("localhost", 6379),))),
        ("redis://one", RedisAddress(hosts=(("one", 6379),))),
        ("redis://:p%40ss@[::1]:7000/5", RedisAddress(hosts=(("::1", 7000),), database=5, password="p@ss")),
        ("redis://one?db=7", RedisAddress(hosts=(("one", 6379),), database=7)),
        ("rediss://me:pass@one", RedisAddress(hosts=(("one", 6379),), username="me", password="pass", tls={})),
        ("rediss://one?ssl_ca_certs=/ca.pem", RedisAddress(hosts=(("one", 6379),), tls={"ssl_ca_certs": "/ca.pem"})),
        ("sentinel://one/seats", RedisAddress(hosts=(("one", 26379),), master_name="seats")),
        (
            "sentinel://:pass@one:1,two/seats/3?sentinel_password=other",
            RedisAddress(
                hosts=(("one", 1), ("two", 26379)), master_name="seats", database=3, password="pass", sentinel_password="other"
            ),
        ),
        ("sentinels://one/seats", RedisAddress(hosts=(("one", 26379),), master_name="seats", tls={})),
    ],
)
def test_url_is_read(url: str, address: RedisAddress) -> None:
    assert parse_redis_url(url) == address


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://me:wasser@one", "does not begin with redis://, rediss:// or sentinel://"),
        ("me:wasser", "does not begin with redis://, rediss:// or sentinel://"),
        ("redis://me:wasser@one:port", "is not a URL of Redis"),
        ("redis://me:wasser@[one", "is not a URL of Redis"),
        ("redis://me:wasser@one/seats", "is not a URL of Redis"),
        ("redis://me:wasser@one,two", "names several hosts, which only sentinel:// does"),
        ("sentinel://me:wasser@one", "names no master: sentinel://host1:port,host2:port/master-name"),
        ("redis://me:wasser@one?ssl_ca_certs=/ca", "has the parameter ssl_ca_certs, which redis:// does not know"),
        ("rediss://me:wasser@one?socket_timeout=1", "has the parameter socket_timeout, which rediss:// does not know"),
    ],
)
def test_wrong_url_is_refused_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings(redis_url=url)
    assert str(raised.value) == f"REDIS_URL {reason}."
