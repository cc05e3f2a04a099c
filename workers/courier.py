"""Mail and webhooks, each in a process of its own: Python runs one thread at a time, so what makes a PDF would keep projections
waiting.

A worker starts such a process when there is somebody to tell, and wakes it by a line on its standard input. The process says what
became of each try by a line on its standard output. It ends when its standard input does: with its worker, however that ends.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO, Protocol

from sqlalchemy import Engine

from ledger import gc_tuning
from ledger.macs import Macs
from ledger.outbox import MAIL
from ledger.postgres_connections import make_engine
from ledger.settings import Settings
from ledger.store import Ledger
from ledger.webhooks import WEBHOOKS
from notifications import follower
from notifications.webhooks.bodies import FactReader
from notifications.webhooks.telling import WebhookFollower
from notifications.woken_thread import WokenThread
from workers import metrics
from workers.metrics import WorkerMetrics

log = logging.getLogger(__name__)

PART = "courier"
NAMES = (MAIL, WEBHOOKS)
#: The pause before a courier that ended by itself is started again.
RESTART_SECONDS = 5.0
#: How long a courier that is to end may take: a mail server replies within 15 s, or not at all.
STOP_SECONDS = 20.0
#: Added to what the worker has: selling goes before projecting, and that before telling.
NICENESS = 5
STATEMENT_SECONDS, LOCK_TIMEOUT_MS = 30.0, 5_000
#: To the database: one follows the ledger; each of eight threads for webhooks has one, each of four for mail two.
CONNECTIONS = 9

_COUNTED = {MAIL: metrics.MAILS, WEBHOOKS: metrics.WEBHOOK_DELIVERIES}


class Couriers:
    """The couriers of one worker: a process for mail and one for webhooks, so that neither waits for the other. Without MAIL_URL or
    the demo there is none for mail, and while there is no webhook, none for webhooks."""

    def __init__(self, settings: Settings, engine: Engine, ledger: Ledger, counts: WorkerMetrics) -> None:
        self._settings, self._engine, self._ledger = settings, engine, ledger
        self._follower = WebhookFollower(FactReader(ledger))
        self._thread = WokenThread(WEBHOOKS, engine, ledger, self._begin_webhooks_if_needed)
        self._mail, self._webhooks = (_Process(settings, name, counts) for name in NAMES)

    def begin_mail(self) -> None:
        """There may be mail to send. Returns at once."""
        if self._settings.has_mail:
            self._mail.wake()

    def begin_webhooks(self) -> None:
        """There may be something to tell webhooks. Returns at once."""
        if self._webhooks.is_running():
            self._webhooks.wake()
        else:
            self._thread.wake()

    def close(self) -> None:
        """Ends the processes, after what they send."""
        self._thread.close()
        for process in (self._mail, self._webhooks):
            process.begin_to_end()
        for process in (self._mail, self._webhooks):
            process.wait()

    def _begin_webhooks_if_needed(self) -> None:
        with self._engine.connect() as connection:
            is_needed = self._follower.has_listeners(connection)
        if is_needed:
            self._webhooks.wake()
        else:  # what nobody listens to is passed
            follower.advance(self._engine, self._ledger, self._follower)


class _Process:
    """`python -m workers courier --only NAME`, from the first time it is woken on. Safe for threads."""

    def __init__(self, settings: Settings, name: str, counts: WorkerMetrics) -> None:
        self._settings, self._name, self._counts = settings, name, counts
        self._process: subprocess.Popen[bytes] | None = None
        self._starting, self._start_at, self._is_ending = threading.Lock(), 0.0, False

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wake(self) -> None:
        with self._starting:
            if not self.is_running():
                self._start()
            if self._process is None or self._is_ending:
                return
            assert self._process.stdin is not None
            with suppress(OSError):  # it is ending, or has not read the lines before: then it looks anyway
                self._process.stdin.write(b"\n")

    def begin_to_end(self) -> None:
        with self._starting:
            self._is_ending = True
            if self._process is not None:
                assert self._process.stdin is not None
                self._process.stdin.close()

    def wait(self) -> None:
        """For its end, after `begin_to_end`."""
        if self._process is None:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("The courier of %s does not end: it is killed, and what it was sending is sent again", self._name)
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        """Not sooner than RESTART_SECONDS after the last start."""
        if self._is_ending or time.monotonic() < self._start_at:
            return
        if self._process is not None:
            log.error("The courier of %s has ended (%s): it is started again", self._name, self._process.returncode)
        self._start_at = time.monotonic() + RESTART_SECONDS
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workers", PART, "--only", self._name],
            env={**os.environ, **self._settings.to_env()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        threading.Thread(target=self._count_for_ever, args=(self._process.stdout,), name=PART, daemon=True).start()

    def _count_for_ever(self, output: IO[bytes]) -> None:
        with output:
            for line in output:
                self._counts.count(_COUNTED[self._name], line.decode(errors="replace").strip())


def run(settings: Settings, name: str) -> None:
    """The process: until its standard input ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # of a terminal or a supervisor, to all: the worker ends, and then we do
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    gc_tuning.tune()
    engine = make_engine(
        settings.database_url,
        "seatledger-courier",
        statement_seconds=STATEMENT_SECONDS,
        lock_timeout=LOCK_TIMEOUT_MS,
        pool_size=CONNECTIONS,
    )
    ledger = Ledger(settings.database_url, Macs.open(settings.keys))
    sender = _SENDERS[name](settings, engine, ledger)
    try:
        for _ in sys.stdin:
            sender.begin()
    finally:
        sender.close()
        ledger.close()
        engine.dispose()


class _Sender(Protocol):
    def begin(self) -> None: ...
    def close(self) -> None: ...


def _make_mailer(settings: Settings, engine: Engine, ledger: Ledger) -> _Sender:
    from notifications.mailer import Mailer  # noqa: PLC0415 - what makes PDFs is large, and only this process needs it

    return Mailer(settings, engine, ledger, _tell_worker)


def _make_webhook_sender(settings: Settings, engine: Engine, ledger: Ledger) -> _Sender:
    from notifications.webhooks.sender import WebhookSender  # noqa: PLC0415

    return WebhookSender(settings, engine, ledger, _tell_worker)


_SENDERS = {MAIL: _make_mailer, WEBHOOKS: _make_webhook_sender}


def _tell_worker(outcome: str) -> None:
    with suppress(OSError):  # it has ended
        os.write(sys.stdout.fileno(), f"{outcome}\n".encode())
