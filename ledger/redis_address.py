"""What REDIS_URL says: one Redis, with or without TLS, or the Sentinels that know which Redis is the master.

| form | |
|---|---|
| `redis://[user:password@]host:port/database` | one Redis |
| `rediss://…` | over TLS; its certificate is verified |
| `sentinel://[user:password@]host1:port,host2:port/master-name[/database]` | user and password are those of the Redis |
| `sentinels://…` | over TLS, Sentinels and Redis |

As parameters: `ssl_ca_certs` (a file; by default the authorities that the machine trusts), `ssl_certfile`, `ssl_keyfile`,
`ssl_cert_reqs=none` (not verified); `sentinel_username`, `sentinel_password`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

REDIS_PORT, SENTINEL_PORT = 6379, 26379
_TLS_PARAMETERS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs")
_SENTINEL_PARAMETERS = ("sentinel_username", "sentinel_password")


@dataclass(frozen=True, kw_only=True)
class RedisAddress:
    """`hosts`: the Redis, or the Sentinels of `master_name`. `tls`: the options of TLS, by redis-py's names; None without it."""

    hosts: tuple[tuple[str, int], ...]
    master_name: str = ""
    database: int = 0
    username: str | None = None
    password: str | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = None
    tls: Mapping[str, str] | None = None


def parse_redis_url(url: str) -> RedisAddress:
    """Raises ValueError, whose message completes a sentence that begins with the setting's name. It never holds the URL, which may
    hold a password."""
    scheme = url.partition(":")[0]
    if scheme not in ("redis", "rediss", "sentinel", "sentinels"):
        raise ValueError("does not begin with redis://, rediss:// or sentinel://")
    try:
        return _address(urlsplit(url), is_tls=scheme in ("rediss", "sentinels"), is_sentinel=scheme.startswith("sentinel"))
    except _Invalid as error:
        raise ValueError(str(error)) from None
    except ValueError:  # whose message may repeat the URL
        raise ValueError("is not a URL of Redis") from None


class _Invalid(Exception):
    pass


def _address(url: SplitResult, *, is_tls: bool, is_sentinel: bool) -> RedisAddress:
    parameters = dict(parse_qsl(url.query))
    database = parameters.pop("db", "")
    known = (*(_TLS_PARAMETERS if is_tls else ()), *(_SENTINEL_PARAMETERS if is_sentinel else ()))
    if unknown := sorted(set(parameters) - set(known)):
        raise _Invalid(f"has the parameter {unknown[0]}, which {url.scheme}:// does not know")
    path = [unquote(part) for part in url.path.split("/") if part]
    if is_sentinel and not path:
        raise _Invalid("names no master: sentinel://host1:port,host2:port/master-name")
    master_name = path.pop(0) if is_sentinel else ""
    credentials, _, places = url.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    return RedisAddress(
        hosts=tuple(_host(place, SENTINEL_PORT if is_sentinel else REDIS_PORT) for place in _places(places, is_sentinel)),
        master_name=master_name,
        database=int(database or (path[0] if path else 0)),
        username=unquote(username) or None,
        password=unquote(password) or None,
        sentinel_username=parameters.get("sentinel_username"),
        sentinel_password=parameters.get("sentinel_password"),
        tls={name: value for name, value in parameters.items() if name in _TLS_PARAMETERS} if is_tls else None,
    )


def _places(places: str, is_sentinel: bool) -> list[str]:
    if "," in places and not is_sentinel:
        raise _Invalid("names several hosts, which only sentinel:// does")
    return places.split(",")


def _host(place: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    return parts.hostname or "localhost", parts.port or port
