"""What workers do with payment providers: they ask for payments whose webhook may be lost, and have refunds paid.

Both may be killed anywhere: what is asked twice is recorded once, and a refund is looked up before it is paid. The read tables say
what is open, the Event itself whether it still is.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, func, select, text
from sqlalchemy.exc import InterfaceError, OperationalError

from ledger.commands import Command, RecordFailedRefund, RecordRefund
from ledger.derived_ids import derived_id
from ledger.details import OnlineMethod
from ledger.errors import EventNotFound, Malformed
from ledger.paying import event_refund_id
from ledger.payment_errors import AlreadyPaid, PaymentNotFound, ProviderUnavailable, RefundNotOwed
from ledger.store import LedgerUnavailable
from ledger.ticket_codes import TicketCodes
from providers.interface import NOBODY, NewRefund, PaidRefund, PendingRefund, Provider
from providers.unplaced import UnplacedMoney
from workers import metrics
from workers.gateway import Gateway
from workers.metrics import WorkerMetrics
from workers.pauses import Pauses

log = logging.getLogger(__name__)

#: The advisory lock of the worker that asks providers ("Payments" in ASCII).
LOCK = 0x5061796D656E7473
#: Payments that are asked for, and refunds that are paid, in one run; what is left is for the next.
MAX_ASKED, MAX_REFUNDS = 50, 50
#: Of them in memory.
MAX_OPEN = 10_000
#: Between two requests for the same payment or refund at first, and at last.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 10.0, 600.0

#: Those that can still be paid, and after that for a day: money may come late.
_STARTED = text("""
    SELECT payment_id, event_id, hold_id FROM started_payments
    WHERE method = :method AND NOT is_received AND started_at < now() - make_interval(secs => :patience)
        AND payable_until > now() - interval '1 day'
    ORDER BY payable_until DESC LIMIT :limit""")
#: What is owed by an entry; and what of a payment is owed because its event was cancelled: all that no entry says.
_OWED = text("""
    WITH of_payment AS (
        SELECT payment_id, sum(amount - paid) AS owed, bool_or(amount = 0) AS has_failed
        FROM refunds WHERE paid < amount OR failure <> '' GROUP BY payment_id
    )
    SELECT refunds.refund_id, payment_id, payments.event_id, payments.booking_id, refunds.amount - refunds.paid AS amount,
        payments.currency, payments.position
    FROM refunds JOIN payments USING (payment_id)
    WHERE refunds.paid < refunds.amount AND refunds.failure = '' AND method = :method
    UNION ALL
    SELECT NULL, payment_id, payments.event_id, booking_id, payments.owed - paid_back - coalesce(of_payment.owed, 0),
        currency, position
    FROM payments LEFT JOIN of_payment USING (payment_id)
    WHERE paid_back < payments.owed AND payments.owed - paid_back > coalesce(of_payment.owed, 0)
        AND NOT coalesce(has_failed, false) AND method = :method
    ORDER BY position LIMIT :limit""")


class Payments:
    """For one thread."""

    def __init__(
        self,
        engine: Engine,
        gateway: Gateway,
        providers: Mapping[OnlineMethod, Provider],
        codes: TicketCodes,
        metrics: WorkerMetrics,
        patience_seconds: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        """`patience_seconds`: how long a payment waits for its webhook before the provider is asked, and how long until it is asked
        for the second time."""
        self._engine, self._gateway, self._providers, self._codes, self._metrics = engine, gateway, providers, codes, metrics
        self._unplaced, self._patience_seconds = UnplacedMoney(engine), patience_seconds
        self._asked, self._refunding = self._pauses(providers), self._pauses(providers)
        self._failing: set[UUID] = set()

    def run(self) -> int:
        """Returns how many payments and refunds were recorded; 0 where another worker does it.

        Raises SQLAlchemy's errors and LedgerUnavailable if the database is unavailable."""
        if not self._providers:
            return 0
        recorded = 0
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as guard:
            if not guard.scalar(select(func.pg_try_advisory_lock(LOCK))):
                return 0
            try:
                for provider in self._providers.values():
                    try:
                        recorded += self._ask(guard, provider) + self._refund(guard, provider)
                    except ProviderUnavailable as error:  # the next run tries again
                        log.warning("%s: %s", provider.name, error.detail)
            finally:
                guard.execute(select(func.pg_advisory_unlock(LOCK)))
        return recorded

    def _pauses(self, providers: Iterable[OnlineMethod]) -> dict[OnlineMethod, Pauses[UUID]]:
        first = self._patience_seconds
        return {name: Pauses(first, first / FIRST_PAUSE_SECONDS * LONGEST_PAUSE_SECONDS) for name in providers}

    def _ask(self, guard: Connection, provider: Provider) -> int:
        wanted = {"method": provider.name, "patience": self._patience_seconds, "limit": MAX_OPEN}
        rows = guard.execute(_STARTED, wanted).all()
        return self._work(
            self._asked[provider.name], {row.payment_id: row for row in rows}, MAX_ASKED, self._ask_for, guard, provider
        )

    def _work(
        self, pauses: Pauses[UUID], open_: Mapping[UUID, Row[Any]], limit: int, work: Callable[..., bool], *arguments: Any
    ) -> int:
        """Works on those that are open, all in turn. Returns how many are done."""
        pauses.keep(open_)
        done = 0
        for id_ in islice((id_ for id_ in open_ if pauses.has_ended(id_)), limit):
            pauses.begin(id_)
            done += self._or_log(id_, work, *arguments, open_[id_])
        return done

    def _ask_for(self, guard: Connection, provider: Provider, row: Row[Any]) -> bool:
        receipt = provider.received(row.payment_id)
        if receipt is None:
            return False
        try:
            return self._record(guard, receipt.command(self._codes.newest_key))
        except (EventNotFound, PaymentNotFound, AlreadyPaid, Malformed) as refusal:
            self._unplaced.note(receipt, refusal.detail)
            return False

    def _refund(self, guard: Connection, provider: Provider) -> int:
        rows = guard.execute(_OWED, {"method": provider.name, "limit": MAX_OPEN}).all()
        owed = {row.refund_id or event_refund_id(row.payment_id): row for row in rows}
        return self._work(self._refunding[provider.name], owed, MAX_REFUNDS, self._pay_back, guard, provider)

    def _pay_back(self, guard: Connection, provider: Provider, row: Row[Any]) -> bool:
        refund_id = row.refund_id or event_refund_id(row.payment_id)
        answer = provider.refund(NewRefund(refund_id, row.payment_id, row.amount, row.currency))
        if isinstance(answer, PendingRefund):
            return False
        of: dict[str, Any] = {
            "actor": NOBODY, "event_id": row.event_id, "refund_id": refund_id, "payment_id": row.payment_id,
            "booking_id": row.booking_id,
        }  # fmt: skip
        try:
            if isinstance(answer, PaidRefund):
                paid = RecordRefund(id=derived_id(refund_id, b"paid"), amount=answer.amount, reference=answer.reference, **of)
                return self._record(guard, paid)
            return self._record(guard, RecordFailedRefund(id=derived_id(refund_id, b"failed"), reason=answer.reason, **of))
        except RefundNotOwed:  # the read tables are behind
            return False

    def _record(self, guard: Connection, command: Command) -> bool:
        now: datetime = guard.scalars(select(func.now())).one()
        return bool(self._gateway.execute(command, now.astimezone(UTC)))

    def _or_log(self, id_: UUID, work: Any, *arguments: Any) -> bool:
        """One payment that fails must not keep others; it is tried again at each run, and logged at the first."""
        try:
            done: bool = work(*arguments)
        except (OperationalError, InterfaceError, LedgerUnavailable, ProviderUnavailable):
            raise
        except Exception:
            if id_ not in self._failing:
                log.exception("Payment %s fails", id_)
            self._failing.add(id_)
            return False
        self._failing.discard(id_)
        if done:
            self._metrics.count(metrics.RECORDED_PAYMENTS)
        return done
