"""Workers ask providers for payments whose webhook was lost, and have refunds paid: each once, whatever is killed where."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from ledger import entries as e
from ledger.booking_money import BookingMoney
from ledger.details import Category
from ledger.entries import RecordedEntry
from ledger.event import Event
from ledger.payment_errors import ProviderUnavailable
from ledger.settings import Settings
from ledger.store import LedgerUnavailable
from projections.registry import PROJECTORS
from providers.demo import DemoProvider
from providers.interface import NewPayment
from providers.registry import demo_provider
from tests.ledger import scenario as s
from tests.workers.deployment import a_worker
from tests.workers.test_lapsing import current, fill
from workers.payments import LOCK, Payments
from workers.worker import Worker

EVENT = UUID(int=0x1)
UNTIL = datetime.now(UTC) + timedelta(minutes=30)
WIDE = Category(1, "General", 5_000, 1_000)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, demo=True)


@pytest.fixture
def worker(settings: Settings) -> Iterator[Worker]:
    with a_worker(settings) as worker:
        be_patient(worker, 0)
        yield worker


def be_patient(worker: Worker, seconds: float) -> None:
    now = worker.payments
    worker.payments = Payments(now._engine, now._gateway, now._providers, now._codes, now._metrics, seconds)


@pytest.fixture
def provider(settings: Settings, worker: Worker) -> DemoProvider:
    return demo_provider(settings, worker._background)


class Sales:
    """Holds of an event whose payment was started, here and at the provider."""

    def __init__(self, worker: Worker, provider: DemoProvider, database_url: str, count: int) -> None:
        self.worker, self.provider, self._database_url = worker, provider, database_url
        self.holds = [uuid4() for _ in range(count)]
        self.payments = [uuid4() for _ in range(count)]
        entries: list[e.Entry] = [s.scheduled(WIDE, **s.ONLINE)]
        for hold, payment in zip(self.holds, self.payments, strict=True):
            entries += [s.held(s.ALICE, s.general(1), hold=hold, until=UNTIL), s.started(s.ALICE, 5_000, payment, UNTIL, hold)]
            provider.start(NewPayment(payment, EVENT, hold, 5_000, "EUR", "Concert", UNTIL))
        fill(database_url, EVENT, entries)
        self.project()

    def project(self) -> None:
        self.worker.project(PROJECTORS["payments"])

    def run(self) -> int:
        """As often as there is something to do."""
        recorded = 0
        while done := self.worker.payments.run():
            recorded += done
            self.project()
        return recorded

    @property
    def event(self) -> Event:
        return current(self.worker.ledger, EVENT)

    def append(self, *entries: e.Entry) -> None:
        version = self.event.version
        self.worker.ledger.append(
            [RecordedEntry(EVENT, version + number, entry) for number, entry in enumerate(entries, 1)], self.event.end
        )
        self.project()

    def rows(self, sql: str) -> Any:
        with self.worker.engine.connect() as connection:
            return connection.execute(text(sql)).all()


@pytest.fixture
def sales(worker: Worker, provider: DemoProvider, database_url: str) -> Sales:
    return Sales(worker, provider, database_url, 5)


def test_lost_webhooks_are_asked_for(sales: Sales) -> None:
    assert sales.run() == 0, "nothing was paid"
    for payment in sales.payments[:3]:
        sales.provider.pay(payment, seconds=0)
    assert sales.run() == 3
    assert {UUID(bytes=key) for key in s.state(sales.event)["bookings"]} == {*sales.holds[:3]}
    assert [row.is_received for row in sales.rows("SELECT is_received FROM started_payments ORDER BY is_received")] == (
        [False] * 2 + [True] * 3
    )
    assert sales.run() == 0


def test_a_payment_waits_for_its_webhook_first(sales: Sales) -> None:
    be_patient(sales.worker, 3_600)
    sales.provider.pay(sales.payments[0], seconds=0)
    sales.append(s.started(s.ALICE, 5_000, payment := uuid4(), UNTIL, sales.holds[0]))
    with sales.worker.engine.begin() as connection:
        connection.execute(text("UPDATE started_payments SET started_at = now()"))
    assert (sales.run(), payment in sales.payments) == (0, False)


def test_all_open_payments_are_asked_for_in_turn(sales: Sales, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.payments.MAX_ASKED", 2)
    for payment in sales.payments:
        sales.provider.pay(payment, seconds=0)
    paid = 0
    for _ in range(10):
        paid += sales.worker.payments.run()
        sales.project()
    assert paid == 5


def test_money_that_comes_after_the_hold_was_given_back_is_refunded(sales: Sales) -> None:
    sales.append(s.released(sales.holds[0]))
    sales.provider.pay(sales.payments[0], seconds=0)
    assert sales.run() == 2, "it is recorded, and paid back"
    money: BookingMoney = sales.event.money[sales.payments[0].bytes]
    assert (money.kept, money.owed, money.times_paid_back) == (0, 0, 1)
    assert sales.rows("SELECT amount FROM demo_refunds") == [(5_000,)]


def test_a_cancelled_event_is_refunded_once_whatever_is_killed(sales: Sales, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the provider has paid, and before that is recorded."""
    for payment in sales.payments:
        sales.provider.pay(payment, seconds=0)
    sales.run()
    sales.append(s.event_cancelled())

    def killed(*_: object) -> bool:
        raise LedgerUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(Payments, "_record", killed)
        for _ in range(3):
            with pytest.raises(LedgerUnavailable):
                sales.worker.payments.run()
    assert sales.rows("SELECT count(*) FROM demo_refunds") == [(1,)]
    assert sales.run() == 5
    assert sales.rows("SELECT count(*), sum(amount) FROM demo_refunds") == [(5, 25_000)]
    assert sum(money.kept + money.owed for money in s.state(sales.event)["money"].values()) == 0
    assert sales.run() == 0


def test_read_tables_that_are_behind_refund_nothing_twice(sales: Sales) -> None:
    sales.provider.pay(sales.payments[0], seconds=0)
    sales.run()
    sales.append(s.event_cancelled())
    assert sales.worker.payments.run() == 1
    assert sales.worker.payments.run() == 0, "not projected yet"
    assert sales.rows("SELECT count(*) FROM demo_refunds") == [(1,)]


def test_a_part_that_is_owed_by_an_entry_and_the_rest_by_the_cancelled_event(sales: Sales) -> None:
    sales.provider.pay(sales.payments[0], seconds=0)
    sales.run()
    cause = uuid4()
    sales.append(s.owed(2_000, cause, sales.payments[0], sales.holds[0], "goodwill"), s.event_cancelled())
    assert sales.run() == 2
    assert sorted(row.amount for row in sales.rows("SELECT amount FROM demo_refunds")) == [2_000, 3_000]


def test_a_refund_that_fails_is_recorded_once_and_keeps_no_others(sales: Sales) -> None:
    for number, payment in enumerate(sales.payments):
        sales.provider.pay(payment, seconds=0, takes_refunds=number != 1)
    sales.run()
    sales.append(s.event_cancelled())
    assert sales.run() == 5
    failures = sales.rows("SELECT payment_id, failure FROM payments WHERE failure <> ''")
    assert failures == [(sales.payments[1], "refunds-refused")]
    assert sales.rows("SELECT count(*) FROM demo_refunds") == [(4,)]


def test_a_provider_that_is_away_loses_nothing(sales: Sales, monkeypatch: pytest.MonkeyPatch) -> None:
    sales.provider.pay(sales.payments[0], seconds=0)

    def away(*_: object) -> None:
        raise ProviderUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(DemoProvider, "received", away)
        assert sales.worker.payments.run() == 0
    assert sales.run() == 1


def test_a_payment_that_nobody_can_place_waits_for_somebody(sales: Sales) -> None:
    """What the provider has received for a hold of another event, say, and tells of this one."""
    stray = NewPayment(uuid4(), EVENT, sales.holds[0], 7_000, "EUR", "Concert", UNTIL)
    sales.provider.start(stray)
    sales.provider.pay(stray.id, seconds=0)
    with sales.worker.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO started_payments SELECT :id, event_id, hold_id, customer_id, method, 7000, started_at, payable_until,"
                " false FROM started_payments LIMIT 1"
            ),
            {"id": stray.id},
        )
    assert sales.run() == 0
    assert sales.rows("SELECT object, amount FROM unplaced_money") == [(str(stray.id), 7_000)]


def test_two_workers_do_not_ask_at_once(sales: Sales, settings: Settings) -> None:
    with sales.worker.engine.connect() as other:
        other.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        sales.provider.pay(sales.payments[0], seconds=0)
        assert sales.worker.payments.run() == 0
        other.execute(text(f"SELECT pg_advisory_unlock({LOCK})"))
    assert sales.run() == 1
