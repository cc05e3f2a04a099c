"""API, worker, tick, PostgreSQL and Redis are killed at random while customers pay online: every payment of the provider is in the
ledger once, as a booking or as money that is paid back once, and everything is proven."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from ledger.settings import Settings
from tests.faults.killable import Killable, everything_killable, victims
from tests.faults.ledger_check import check_rows, operator, wait_until_projected
from tests.running_system import JSON, ONLINE, Person, tickets
from tests.workers.deployment import wait_until

BUYERS, CAPACITY = 6, 100_000
#: What customers do at the provider; and what they do with their seats before.
OUTCOMES = ("pay", "pay", "pay-twice-told", "pay-slowly", "decline")


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[Killable]:
    with everything_killable(tmp_path, demo=True) as killable:
        yield killable


class Buyer(threading.Thread):
    """Buys for ever, and asks again for what was not answered. `bought`: how many have paid."""

    def __init__(self, person: Person, path: str, dice: random.Random, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._person, self._path, self._dice, self._ending = person, path, dice, stop
        self.bought = 0

    def run(self) -> None:
        while not self._ending.is_set():
            held = self._insist("POST", f"{self._path}/holds", tickets(self._dice.randint(1, 3)))
            if held is None:
                continue
            hold = f"/api/holds/{held['id']}"
            started = self._insist("POST", f"{hold}/payments", {"method": "demo"})
            if started is None:
                continue
            if self._dice.random() < 0.3:
                self._insist("DELETE", hold)
            outcome = self._dice.choice(OUTCOMES)
            paid = self._insist("POST", f"/api/demo-provider/payments/{started['id']}", {"outcome": outcome})
            self.bought += paid is not None and outcome != "decline"
            if self._dice.random() < 0.3:
                self._insist("DELETE", f"/api/bookings/{held['id']}")

    def _insist(self, method: str, path: str, body: JSON | None = None) -> Any:
        """None: it was refused."""
        key = uuid4().hex
        while not self._ending.is_set():
            try:
                response = self._person.do(method, path, body, key=key)
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if response.status_code < 500:
                return response.json() if response.is_success else None
            time.sleep(0.05)
        return None


def test_every_payment_is_recorded_and_paid_back_once(killable: Killable) -> None:
    dice, stack, settings = random.Random(19), killable.stack, killable.settings
    killed, organizer = victims(dice), stack.person("organizer")
    events = [stack.event(organizer, CAPACITY, payment=ONLINE) for _ in range(2)]
    stop = threading.Event()
    buyers = [
        Buyer(stack.person(), f"/api/events/{events[number % 2]['id']}", random.Random(number), stop) for number in range(BUYERS)
    ]
    for buyer in buyers:
        buyer.start()
    for name in killed:
        before = sum(buyer.bought for buyer in buyers)
        wait_until(lambda before=before: sum(buyer.bought for buyer in buyers) >= before + 2, "customers buy")  # type: ignore[misc]
        time.sleep(dice.uniform(0, 0.5))
        killable.kill(name)
    cancelled = events[0]["id"]
    wait_until(lambda: organizer.do("POST", f"/api/events/{cancelled}/cancel").status_code in (200, 409), "the event is cancelled")
    time.sleep(0.5)  # some pay for it nevertheless
    stop.set()
    for buyer in buyers:
        buyer.join(30)
    wait_until_projected(settings)
    wait_until(lambda: _open(settings) == [], "all is recorded and paid back")
    wait_until_projected(settings)
    figures = _figures(settings)
    print(f"\nPayments: killed {dict(Counter(killed))}: {figures}")
    assert _differences(settings) == []
    assert figures["refunds"] > 0
    assert figures["booked"] > 0
    check_rows(settings)
    status, output = operator(settings, "verify")
    assert (status, "Proven" in output) == (0, True), output


def _rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.database_url) as connection:
        return connection.execute(sql).fetchall()


def _open(settings: Settings) -> list[tuple[Any, ...]]:
    """What the provider has received and is not recorded, and what is owed back."""
    return _rows(
        settings,
        "SELECT payment_id FROM demo_payments LEFT JOIN payments USING (payment_id)"
        " WHERE demo_payments.state = 'paid' AND (payments.payment_id IS NULL OR owed > paid_back)",
    )


def _differences(settings: Settings) -> list[tuple[Any, ...]]:
    """The provider's list against the ledger's, line by line: payments, what was paid back of each, and that nothing is kept for
    which nothing is booked."""
    return _rows(
        settings,
        """
        WITH refunded AS (SELECT payment_id, sum(amount)::bigint AS amount FROM demo_refunds GROUP BY 1)
        SELECT payment_id, paid.amount, payments.amount, payments.paid_back, refunded.amount, bookings.status
        FROM (SELECT * FROM demo_payments WHERE state = 'paid') AS paid
        FULL JOIN payments USING (payment_id)
        LEFT JOIN refunded USING (payment_id)
        LEFT JOIN bookings USING (booking_id)
        LEFT JOIN booking_events ON booking_events.event_id = bookings.event_id
        WHERE paid.amount IS DISTINCT FROM payments.amount OR payments.paid_back <> coalesce(refunded.amount, 0)
            OR coalesce(bookings.to_pay * (booking_events.status <> 'cancelled')::int, 0) <> payments.amount - payments.paid_back
        """,
    )


def _figures(settings: Settings) -> dict[str, int]:
    """How many payments there are, how many of them booked something, how many refunds were paid."""
    ((payments, booked),) = _rows(settings, "SELECT count(*), count(*) FILTER (WHERE booking_id <> payment_id) FROM payments")
    ((refunds,),) = _rows(settings, "SELECT count(*) FROM demo_refunds")
    ((unplaced,),) = _rows(settings, "SELECT count(*) FROM unplaced_money")
    assert unplaced == 0
    return {"payments": payments, "booked": booked, "refunds": refunds}
