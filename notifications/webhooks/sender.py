"""What a courier does for webhooks: it follows the ledger in a thread of its own, and delivers in some others, so that a slow
receiver delays neither mails nor other webhooks."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from ledger.anchor import LedgerWentBack
from ledger.database_errors import one_line
from ledger.outage import OutageLog
from ledger.settings import Settings
from ledger.store import Ledger
from ledger.webhooks import WEBHOOKS
from notifications import follower
from notifications.webhooks.bodies import FactReader
from notifications.webhooks.delivery import Postman
from notifications.webhooks.secrets import WebhookSecrets
from notifications.webhooks.telling import WebhookFollower, replay
from notifications.woken_thread import WokenThread

log = logging.getLogger(__name__)

#: Webhooks that one courier serves at once.
PARALLEL = 8
CLEANING_SECONDS = 600.0


class WebhookSender:
    """The webhooks of one courier. Other couriers may do the same at the same time."""

    def __init__(self, settings: Settings, engine: Engine, ledger: Ledger, count: Callable[[str], None]) -> None:
        """`engine` has a connection for each of PARALLEL threads and one more. `count` is called with what became of each try."""
        self._engine, self._ledger = engine, ledger
        self._facts = FactReader(ledger)
        self._follower = WebhookFollower(self._facts)
        self._thread = WokenThread(WEBHOOKS, engine, ledger, self._work)
        self._postman = Postman(
            engine, WebhookSecrets(settings), settings.webhooks_allow_private, count, is_closing=lambda: self._thread.is_closing
        )
        self._servers = ThreadPoolExecutor(PARALLEL, thread_name_prefix=WEBHOOKS)
        self._serving, self._lock = 0, threading.Lock()
        self._database = OutageLog(log, "The database, for deliveries to webhooks,")
        self._clean_at = 0.0

    def begin(self) -> None:
        """There may be something to do. Returns at once."""
        self._thread.wake()

    def close(self) -> None:
        """Ends its threads, after the deliveries that they make."""
        self._thread.close()
        self._servers.shutdown()

    def _work(self) -> None:
        try:
            self._follow()
            while not self._thread.is_closing and replay(self._engine, self._ledger, self._facts):
                self._follow()
                self._serve()
                self._clean_if_due()
        except LedgerWentBack:
            self._facts.forget()
            raise
        self._serve()
        self._clean_if_due()

    def _clean_if_due(self) -> None:
        if time.monotonic() >= self._clean_at:
            self._postman.clean()
            self._clean_at = time.monotonic() + CLEANING_SECONDS

    def _follow(self) -> None:
        while not self._thread.is_closing and follower.advance(self._engine, self._ledger, self._follower):
            self._serve()

    def _serve(self) -> None:
        """Starts as many threads as there are webhooks that could be served now, within limits."""
        waiting = self._postman.waiting()
        with self._lock:
            starting = min(waiting, PARALLEL - self._serving)
            self._serving += max(0, starting)
        for _ in range(starting):
            self._servers.submit(self._serve_all)

    def _serve_all(self) -> None:
        try:
            while not self._thread.is_closing and self._postman.serve():
                self._database.worked()
        except (OperationalError, InterfaceError, InternalError) as error:  # InternalError: it is read-only
            self._database.failed(one_line(error.orig))
        except Exception:
            log.exception("A webhook could not be served; the next tick tries again")
        finally:
            with self._lock:
                self._serving -= 1
