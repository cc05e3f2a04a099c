"""What a courier does for mail: it follows the ledger in a thread of its own, and delivers what is due by some connections."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sqlalchemy import Engine

from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from ledger.outage import OutageLog
from ledger.outbox import MAIL
from ledger.settings import Settings
from ledger.store import Ledger
from ledger.ticket_codes import TicketCodes
from notifications import audiences, delivery, mail_follower, reminders
from notifications.mail.facts import Facts
from notifications.mail.mailbox import Mailbox
from notifications.mail.smtp import ServerUnavailable, Smtp
from notifications.woken_thread import WokenThread

log = logging.getLogger(__name__)

__all__ = ["MAIL", "Mailer"]

CLEANING_SECONDS = 3600.0
#: Mails that one courier sends at once: most of the time goes into waiting for the server.
CONNECTIONS = 4
#: How often it looks for events that start within a day.
REMINDING_SECONDS = 60.0


class Mailer:
    """The mail of one courier; off without MAIL_URL or the demo. Other couriers may do the same at the same time."""

    def __init__(self, settings: Settings, engine: Engine, ledger: Ledger, count: Callable[[str], None]) -> None:
        """`count` is called with what became of each try."""
        self._is_on = settings.has_mail
        self._engine, self._ledger, self._count = engine, ledger, count
        self._per_second = settings.mails_per_second
        self._thread = WokenThread(MAIL, engine, ledger, self._run_or_log)
        self._server = OutageLog(log, "The mail server")
        self._clean_at = self._remind_at = 0.0
        if self._is_on:
            self._transports: list[Mailbox | Smtp] = (
                [Mailbox(engine, settings.mail_from)]
                if settings.has_mailbox
                else [Smtp(settings.mail_url, settings.mail_from) for _ in range(CONNECTIONS)]
            )
            self._senders = ThreadPoolExecutor(len(self._transports), thread_name_prefix=MAIL)
            codes = TicketCodes(Keyring.open(settings.keys, "tickets"))
            self._facts = Facts(settings.server_url, codes, MailTokens(Keyring.open(settings.keys, "mail")))

    def begin(self) -> None:
        """There may be something to do. Returns at once."""
        if self._is_on:
            self._thread.wake()

    def close(self) -> None:
        """Ends the thread, after the mail that it sends."""
        self._thread.close()
        if self._is_on:
            self._senders.shutdown()
            self._close_connections()

    def run(self) -> None:
        """Follows the ledger and delivers until there is nothing to do. Raises what its parts raise."""
        width = 1
        while not self._thread.is_closing:
            passed = self._follow()
            delivered = list(self._senders.map(partial(self._deliver, width), self._transports[:width]))
            self._server.worked()
            if not passed and not any(delivered):
                break
            width = len(self._transports) if min(delivered) == delivery.BATCH_SIZE else 1
        self._close_connections()
        if time.monotonic() >= self._clean_at:
            delivery.clean(self._engine)
            self._clean_at = time.monotonic() + CLEANING_SECONDS

    def _deliver(self, width: int, transport: Mailbox | Smtp) -> int:
        """By one of so many connections. Returns how many mails it took."""
        return delivery.deliver(self._engine, self._facts, transport, per_second=self._per_second / width, count=self._count)

    def _close_connections(self) -> None:
        for transport in self._transports:
            transport.close()

    def _follow(self) -> int:
        """Passes all entries and announcements that there are: rows are written however slow the server is."""
        passed = audiences.write_messages(self._engine) + self._remind()
        while not self._thread.is_closing and (step := mail_follower.advance(self._engine, self._ledger)):
            passed += step
        return passed

    def _remind(self) -> int:
        if time.monotonic() < self._remind_at:
            return 0
        events = reminders.write(self._engine)
        self._remind_at = time.monotonic() + REMINDING_SECONDS
        return events

    def _run_or_log(self) -> None:
        try:
            self.run()
        except ServerUnavailable as error:
            self._count("unavailable")
            self._server.failed(error)
