"""Mail and webhooks, in a process of their own: Python runs one thread at a time, so what makes a PDF would keep projections
waiting.

A worker starts its courier when there is somebody to tell, and wakes it by a line on its standard input: the name of a task. The
courier says what became of each try by a line on its standard output. It ends when its standard input does: with its worker,
however that ends.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO

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
from notifications.webhooks.telling import WebhookSubscription
from notifications.woken_thread import WokenThread
from workers import metrics
from workers.metrics import WorkerMetrics

log = logging.getLogger(__name__)

PART = "courier"
#: The pause before a courier that ended by itself is started again.
RESTART_SECONDS = 5.0
#: How long a courier that is to end may take: a mail server replies within 15 s, or not at all.
STOP_SECONDS = 20.0
#: More than the worker has: selling goes before projecting, and that before telling.
NICENESS = 5
STATEMENT_SECONDS, LOCK_TIMEOUT_MS = 30.0, 5_000

_COUNTED = {MAIL: metrics.MAILS, WEBHOOKS: metrics.WEBHOOK_DELIVERIES}


class Courier:
    """The courier of one worker. Without MAIL_URL or the demo, and while there is no webhook, there is no process."""

    def __init__(self, settings: Settings, engine: Engine, ledger: Ledger, counts: WorkerMetrics) -> None:
        self._settings, self._engine, self._ledger, self._counts = settings, engine, ledger, counts
        self._subscription = WebhookSubscription(FactReader(ledger))
        self._thread = WokenThread(WEBHOOKS, engine, ledger, self._begin_webhooks_if_needed)
        self._process: subprocess.Popen[bytes] | None = None
        self._starting, self._start_at, self._is_closing = threading.Lock(), 0.0, False

    def begin_mail(self) -> None:
        """There may be mail to send. Returns at once."""
        if self._settings.has_mail:
            self._wake(MAIL)

    def begin_webhooks(self) -> None:
        """There may be something to tell webhooks. Returns at once."""
        if self._is_running():
            self._wake(WEBHOOKS)
        else:
            self._thread.wake()

    def close(self) -> None:
        """Ends the process, after what it sends."""
        self._thread.close()
        with self._starting:
            self._is_closing, process = True, self._process
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("The courier does not end: it is killed, and what it was sending is sent again")
            process.kill()
            process.wait()

    def _begin_webhooks_if_needed(self) -> None:
        with self._engine.connect() as connection:
            is_needed = self._subscription.has_listeners(connection)
        if is_needed:
            self._wake(WEBHOOKS)
        else:  # what nobody listens to is passed
            follower.advance(self._engine, self._ledger, self._subscription)

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _wake(self, name: str) -> None:
        with self._starting:
            if not self._is_running():
                self._start()
            if self._process is None or self._is_closing:
                return
            assert self._process.stdin is not None
            with suppress(OSError):  # it is ending, or has not read the lines before: then it looks anyway
                self._process.stdin.write(f"{name}\n".encode())

    def _start(self) -> None:
        """Not sooner than RESTART_SECONDS after the last start."""
        if self._is_closing or time.monotonic() < self._start_at:
            return
        if self._process is not None:
            log.error("The courier has ended (%s): it is started again", self._process.returncode)
        self._start_at = time.monotonic() + RESTART_SECONDS
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workers", PART],
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
                name, _, outcome = line.decode(errors="replace").strip().partition(" ")
                if name in _COUNTED:
                    self._counts.count(_COUNTED[name], outcome)


def run(settings: Settings) -> None:
    """The process: until its standard input ends."""
    from notifications.mailer import CONNECTIONS, Mailer  # noqa: PLC0415 - what makes PDFs is large, and only this process needs it
    from notifications.webhooks.sender import PARALLEL, WebhookSender  # noqa: PLC0415

    for number in (signal.SIGINT, signal.SIGTERM):  # of a terminal or a supervisor, to all: the worker ends, and then we do
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    gc_tuning.tune()
    engine = make_engine(
        settings.database_url,
        "seatledger-courier",
        statement_seconds=STATEMENT_SECONDS,
        lock_timeout=LOCK_TIMEOUT_MS,
        pool_size=PARALLEL + CONNECTIONS + 2,  # for each receiver, each connection to the mail server, two that follow the ledger
    )
    ledger = Ledger(settings.database_url, Macs.open(settings.keys))
    mailer = Mailer(settings, engine, ledger, lambda outcome: _tell_worker(MAIL, outcome))
    webhooks = WebhookSender(settings, engine, ledger, lambda outcome: _tell_worker(WEBHOOKS, outcome))
    begin = {MAIL: mailer.begin, WEBHOOKS: webhooks.begin}
    try:
        for line in sys.stdin:
            if (name := line.strip()) in begin:
                begin[name]()
    finally:
        mailer.close()
        webhooks.close()
        ledger.close()
        engine.dispose()


def _tell_worker(name: str, outcome: str) -> None:
    with suppress(OSError):  # it has ended
        os.write(sys.stdout.fileno(), f"{name} {outcome}\n".encode())
