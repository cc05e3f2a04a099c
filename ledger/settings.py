"""All settings, and the only module that reads the environment.

`Settings.from_env()` reads the environment variable with the upper-case name of each field.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from email.utils import parseaddr
from math import inf
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from iso4217 import Currency

from ledger.client_address import is_loopback
from ledger.redis_address import parse_redis_url
from ledger.stripe_keys import check_stripe_keys

#: The bound of a request body. Not a setting: the API's documentation names it.
BODY_LIMIT_BYTES = 64 * 1024

#: The five specifications' APIs (`compat/`).
COMPAT_APIS = ("event-booking", "event-ticketing", "ticketing-platform", "event-management", "event-reservations")


LOG_LEVELS, LOG_FORMATS = ("DEBUG", "INFO", "WARNING", "ERROR"), ("text", "json")

#: Settings of which 0 means none; the other numbers must be above it.
_MAY_BE_0 = (
    "verify_hours", "drain_seconds", "metrics_port", "sign_ups_per_minute", "account_trail_days",
    "connections_per_address", "streams_per_address", "guest_mails_per_hour", "commands_per_minute", "commands_per_minute_address",
    "holds_per_account", "holds_per_address",
)  # fmt: skip


#: "public": also where others than this machine's users can reach it.
Demo = bool | Literal["public"]


class SettingsError(ValueError):
    """An invalid setting. The message is one sentence, for the terminal."""


#: They hold passwords and keys. Each can be in a file instead, which `NAME_FILE` names: a secret of Docker or Kubernetes.
SECRETS = (
    "DATABASE_URL", "DATABASE_READ_URL", "RUNTIME_DATABASE_URL", "REDIS_URL", "MAIL_URL", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET",
)  # fmt: skip


def _setting(default: Any, help_: str) -> Any:
    return field(default=default, metadata={"help": help_})


@dataclass(frozen=True, kw_only=True)
class Settings:
    port: int = _setting(8000, "Port of the API")
    host: str = _setting("127.0.0.1", "Address that the API listens on")
    public_url: str = _setting("", "Where people reach it, for the OpenAPI document; by default http://localhost:PORT")
    data_dir: Path = _setting(Path(".data"), "Where `make run` keeps its own PostgreSQL and Redis")
    keys_dir: Path | None = _setting(None, "Where the keys are kept, made on first start; by default DATA_DIR/keys")
    database_url: str = _setting("", "postgresql://… of your own PostgreSQL, 15 or later; empty: `make run` starts one")
    database_read_url: str = _setting(
        "", "postgresql://… of standbys for queries, which the primary answers where they lag; empty: none"
    )
    runtime_database_url: str = _setting(
        "",
        "For `make run`, migrations and operators' commands, where DATABASE_URL is the owner's: the address with the role of the"
        " processes, which is made if it is missing; empty: they use the owner's",
    )
    allow_unsafe_database: bool = _setting(
        False, "Run on a PostgreSQL with fsync, full_page_writes or synchronous_commit off: for tests and demos"
    )
    redis_url: str = _setting("", "redis://…, rediss://… or sentinel://… of your own Redis; empty: `make run` starts one")
    currency: str = _setting("EUR", "ISO 4217 code for events that name none")
    compat_apis: str = _setting(
        "",
        "Which of the five specifications' APIs to mount: all, none, or names; by default all with the demo, else none",
    )
    specification: str = _setting("", "One of the five, which this process serves alone, at the root")
    demo: Demo | None = _setting(
        None,
        "Demo data and accounts, whose password is published: 1, 0, or public where HOST is no loopback address; by default 1 where"
        " `make run` keeps its own database, else 0",
    )
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR")
    log_format: str = _setting("text", "text, or json: one object a line")
    access_log: bool = _setting(False, "Log each request (at level INFO), not only slow and failed ones")
    metrics_port: int = _setting(
        0, "Port at HOST of a worker's or tick's own /metrics; 0: none. `make run` gives the tick the next port"
    )
    forwarded_allow_ips: str = _setting("127.0.0.1", "Proxies whose X-Forwarded-For is trusted, comma-separated")
    secure_cookies: bool | None = _setting(None, "Send cookies over HTTPS only: 1 or 0; by default where PUBLIC_URL is https")
    command_queue_limit: int = _setting(2_000, "Commands that may wait in one API process; past it: 503 busy")
    command_batch_limit: int = _setting(500, "Commands in one transaction")
    command_timeout_seconds: float = _setting(2.5, "How long a command may take before it is withdrawn: 503")
    event_cache_bytes: int = _setting(80 * 1024 * 1024, "Memory for Events in one API process; the one used last always stays")
    database_pool_size: int = _setting(10, "Connections of one API process for reading and accounts; the appender has five more")
    query_timeout_seconds: float = _setting(2.0, "How long one query may run in the database; a request waits half a second longer")
    freshness_timeout_seconds: float = _setting(2.0, "How long a query waits for its Ledger-Position: then 503")
    live_streams_limit: int = _setting(2_000, "Live streams open at once in one API process; past it: 503")
    streams_per_address: int = _setting(
        100, "Live streams open at once from one address, in one API process; past it: 429; 0: no limit"
    )
    connections_per_address: int = _setting(
        512, "Connections open at once from one address, but trusted proxies, in one API process; past it: 429; 0: no limit"
    )
    commands_per_minute: int = _setting(600, "Commands of one account a minute, in one API process; past it: 429; 0: no limit")
    commands_per_minute_address: int = _setting(
        6_000, "Commands from one address a minute, in one API process; past it: 429; 0: no limit"
    )
    holds_per_account: int = _setting(
        50, "Open holds of one account, in one API process; each 20 seats of a hold count as one; past it: 429; 0: no limit"
    )
    holds_per_address: int = _setting(
        200,
        "Open holds from one address, in one API process; without a log-in each seat counts as one; past it: 429; 0: no limit",
    )
    holds: bool = _setting(True, "Hold seats; 0 while processes of a release before holds still run: they can't read their entries")
    login_attempts_per_minute: int = _setting(
        10, "Failed log-ins of an account from one address; other limits follow from it (`accounts/rate_limiters.py`)"
    )
    sign_ups_per_minute: int = _setting(60, "Sign-ups, and links by mail that are asked for, from one address; 0: without a limit")
    guest_mails_per_hour: int = _setting(
        5,
        "Codes, and unproven guest bookings, for one e-mail address (`accounts/rate_limiters.py`); 0: no limit",
    )
    require_second_factor: str = _setting("", "admin: admins without a second factor can do nothing but set one; empty: optional")
    account_trail_days: int = _setting(730, "How long the trail of accounts is kept; 0: for ever")
    session_hours: int = _setting(14 * 24, "How long a log-in lasts")
    drain_seconds: float = _setting(
        5.0, "How long a process that is told to stop goes on serving while /ready is 503; 0: it stops at once"
    )
    mail_url: str = _setting(
        "",
        "smtp://user:password@host:port, with STARTTLS, or smtps://…: workers send mail by it; empty: none is sent, and DEMO=1"
        " shows it at /mailbox",
    )
    mail_from: str = _setting("", "Sender of mail: `tickets@example.org`, or `Name <tickets@example.org>`; needed with MAIL_URL")
    mails_per_second: float = _setting(200.0, "Mails that one worker sends a second, at most")
    webhooks_allow_private: bool = _setting(
        False, "Deliver webhooks also to addresses that are not public: this machine and its network. For development"
    )
    stripe_api_key: str = _setting("", "sk_… or rk_… of your account at Stripe: events can be paid by card; empty: they can't")
    stripe_publishable_key: str = _setting("", "pk_… of the same account, for its card form on the page")
    stripe_webhook_secret: str = _setting(
        "", "whsec_… of the webhook for payment_intent.succeeded at PUBLIC_URL/api/payment-providers/stripe/webhook"
    )
    stripe_test: bool = _setting(False, "The keys are Stripe's test keys, and no money is taken")
    stripe_api_base: str = _setting("", "Address of a stand-in for Stripe on this machine; only with the demo")
    stripe: str = _setting("", "local: `make run` starts such a stand-in, which takes no money; empty: it starts none")
    verify_hours: float = _setting(24.0, "How long after a verification of everything a worker begins the next; 0: never")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The settings of an environment. Raises SettingsError, which names the invalid variable."""
        environ = os.environ if environ is None else environ
        values = {}
        for setting in fields(cls):
            text = _text_of(setting.name.upper(), environ)
            if text:
                parse, noun = _KINDS[setting.type]
                try:
                    values[setting.name] = parse(text)
                except ValueError:
                    raise SettingsError(f"{setting.name.upper()} is {text!r}, which is not {noun}.") from None
        return cls(**values)

    @classmethod
    def of_running(cls, environ: Mapping[str, str] | None = None) -> Self:
        """As `from_env`; if it names no database or Redis, those of a running `make run`."""
        settings = cls.from_env(environ)
        if not settings.database_url:
            url, runtime = (_read_note(settings.data_dir / name) for name in ("database_url", "runtime_database_url"))
            settings = replace(settings, database_url=url, runtime_database_url=runtime)
        return replace(
            settings,
            redis_url=settings.redis_url or _read_note(settings.data_dir / "redis_url"),
        )

    def __post_init__(self) -> None:
        for name, port in (("PORT", self.port), ("METRICS_PORT", self.metrics_port or 1)):
            if not 0 < port < 65536:
                raise SettingsError(f"{name} is {port}, which is not between 1 and 65535.")
        try:
            Currency(self.currency)
        except ValueError:
            raise SettingsError(f"CURRENCY is {self.currency!r}, which is not an ISO 4217 code.") from None
        _check_redis_url(self.redis_url)
        if self.public_url and not self.public_url.startswith(("http://", "https://")):
            raise SettingsError(f"PUBLIC_URL is {self.public_url!r}, which does not begin with http:// or https://.")
        if unknown := set(_names(self.compat_apis)) - {*COMPAT_APIS, "all", "none"}:
            raise SettingsError(f"COMPAT_APIS has {min(unknown)!r}, which is none of {', '.join(COMPAT_APIS)}; or all, or none.")
        if self.specification not in ("", *COMPAT_APIS):
            raise SettingsError(f"SPECIFICATION is {self.specification!r}, which is none of {', '.join(COMPAT_APIS)}.")
        _check_demo(self.demo, self.host)
        _check_mail(self.mail_url, self.mail_from)
        _check_choice("STRIPE", self.stripe, ("", "local"))
        _check_stripe(self)
        _check_choice("REQUIRE_SECOND_FACTOR", self.require_second_factor, ("", "admin"))
        _check_choice("LOG_LEVEL", self.log_level, LOG_LEVELS)
        _check_choice("LOG_FORMAT", self.log_format, LOG_FORMATS)
        for setting in fields(self):
            value = getattr(self, setting.name)
            if setting.name in _MAY_BE_0 and value == 0:
                continue
            if isinstance(value, int | float) and not isinstance(value, bool) and not 0 < value < inf:
                raise SettingsError(f"{setting.name.upper()} is {value}, which is not above 0.")

    @property
    def has_secure_cookies(self) -> bool:
        return self.public_url.startswith("https://") if self.secure_cookies is None else self.secure_cookies

    @property
    def has_mail(self) -> bool:
        """Whether mails are sent, if only to the mailbox."""
        return bool(self.mail_url) or self.has_mailbox

    @property
    def has_mailbox(self) -> bool:
        """Whether mails go to the demo's mailbox, which everybody can read: on this machine alone."""
        return self.demo is True and not self.mail_url

    @property
    def keys(self) -> Path:
        return self.keys_dir or self.data_dir / "keys"

    @property
    def request_seconds(self) -> float:
        """How long one request may wait for the database in all. The server's own time-out of a statement comes first, if the
        server reacts."""
        return self.query_timeout_seconds + 0.5

    @property
    def compat(self) -> tuple[str, ...]:
        """The names of the APIs that `compat_apis` selects."""
        asked = _names(self.compat_apis) or (["all"] if self.demo else [])
        return tuple(name for name in COMPAT_APIS if name in asked or "all" in asked)

    @property
    def server_url(self) -> str:
        return self.public_url.rstrip("/") or f"http://localhost:{self.port}"

    def to_env(self) -> dict[str, str]:
        """The environment variables of these settings, for child processes."""
        values = {setting.name.upper(): getattr(self, setting.name) for setting in fields(self)}
        return {
            name: str(int(value)) if isinstance(value, bool) else str(value) for name, value in values.items() if value is not None
        }


def _text_of(name: str, environ: Mapping[str, str]) -> str:
    """The value of a variable; for a secret, else the contents of the file that `NAME_FILE` names. Raises SettingsError."""
    text, file = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    if text or not file or name not in SECRETS:
        return text
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE is {file!r}, which can't be read: {error}.") from None


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        names = [choice or "empty" for choice in choices]
        raise SettingsError(f"{name} is {value!r}, which is not {', '.join(names[:-1])} or {names[-1]}.")


def _check_redis_url(url: str) -> None:
    try:
        parse_redis_url(url or "redis:")
    except ValueError as error:
        raise SettingsError(f"REDIS_URL {error}.") from None


def _check_mail(url: str, sender: str) -> None:
    if not url:
        return
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and parts.port != 0 and not parts.path.strip("/") and not parts.query
    except ValueError:  # of the port, or of an address in brackets
        is_complete = False
    if not is_complete or parts.scheme not in ("smtp", "smtps"):
        raise SettingsError("MAIL_URL is not of the form smtp://user:password@host:port or smtps://user:password@host:port.")
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", parseaddr(sender)[1]):
        raise SettingsError(f"MAIL_FROM is {sender!r}, which is no e-mail address: MAIL_URL needs a sender.")


def _check_stripe(settings: Settings) -> None:
    keys = (settings.stripe_api_key, settings.stripe_publishable_key, settings.stripe_webhook_secret)
    try:
        check_stripe_keys(*keys, is_test=settings.stripe_test)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    base = settings.stripe_api_base
    if base and not (settings.demo is True and settings.stripe_test and is_loopback(urlsplit(base).hostname or "")):
        raise SettingsError("STRIPE_API_BASE is only for an address of this machine, with DEMO=1 and STRIPE_TEST=1.")


def _names(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _read_note(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _bool(text: str) -> bool:
    if text.lower() not in ("1", "0", "true", "false", "yes", "no"):
        raise ValueError(text)
    return text.lower() in ("1", "true", "yes")


def _demo(text: str) -> Demo:
    return "public" if text.lower() == "public" else _bool(text)


def _check_demo(demo: Demo | None, host: str) -> None:
    if demo and demo != "public" and not is_loopback(host):
        raise SettingsError(
            f"HOST is {host}, where everybody could log in as the demo's admin: set DEMO=0, or DEMO=public if that is meant."
        )


_KINDS: dict[Any, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
    str: (str, "text"),
    bool: (_bool, "1 or 0"),
    bool | None: (_bool, "1 or 0"),
    Demo | None: (_demo, "1, 0 or public"),
    Path: (Path, "a path"),
    Path | None: (Path, "a path"),
}
