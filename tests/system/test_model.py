"""Compares the real system (two appenders and a worker's gateway on one PostgreSQL, projections) with a model, in random steps.
After each step, seats sold = active tickets, between 0 and the capacity, and the read tables match the model. (Clocks that differ:
`tests/commands/test_holds.py`.)"""

from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from ledger.code_batches import canonical
from ledger.code_views import CodeBatchView
from ledger.commands import (
    Actor,
    BookSeats,
    CancelBooking,
    CancelEvent,
    CategoryChange,
    ChangeEvent,
    CheckIn,
    Command,
    ConfirmHold,
    ExtendHold,
    GiveRefund,
    HoldSeats,
    LapseHolds,
    MakeCodes,
    ReleaseHold,
    Role,
    ScheduleEvent,
    TakePayment,
    WantedCode,
    WantedSeats,
)
from ledger.details import Category, Details, Pool
from ledger.errors import EventNotBookable, SeatledgerError
from ledger.event import category_id
from ledger.hold_errors import NothingDue
from ledger.hold_views import HoldView
from ledger.money import to_text
from ledger.views import BookingView, EventView
from projections.registry import PROJECTORS
from tests.soak import rounds
from tests.system.bench import Bench
from tests.system.expected_sales import MAX_TICKETS, NOW, OFF, POOL, PRICES, USES, ExpectedSales, Hold

ADMIN = Actor(UUID(int=0xAD), Role.ADMIN)
NOBODY = Actor(None, Role.ADMIN)
CUSTOMERS = [Actor(UUID(int=0xC0 + number), Role.CUSTOMER) for number in range(3)]
EARLY = WantedCode(canonical("EARLY"))
MINUTE = timedelta(minutes=1)
MAX_EXTENSIONS = 3

_which = st.integers(0, 1)
_some = st.integers(0, 999)


class World(ExpectedSales, RuleBasedStateMachine):
    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.event = uuid4()
        self.version, bench.now = 1, self.now
        self.done: list[tuple[Command, Any]] = []

    @initialize(is_paid_here=st.booleans())
    def schedule(self, is_paid_here: bool) -> None:
        self.is_paid_here = is_paid_here
        details = Details(
            name="Model", starts_at=NOW + timedelta(days=9), max_tickets_per_customer=MAX_TICKETS,
            payment_methods=("box_office",) if is_paid_here else (),
        )  # fmt: skip
        categories = tuple(Category(n, name, PRICES[name], self.capacity[name]) for n, name in enumerate(self.capacity, 1))
        command = ScheduleEvent(
            id=self.event, actor=ADMIN, event_id=self.event, details=details, currency="EUR", categories=categories,
            pools=(Pool(1, "Hall", POOL, (1, 2)),),
        )  # fmt: skip
        view = self._do(0, command)
        assert isinstance(view, EventView)
        self.version = view.details_version
        codes: dict[str, Any] = {"effect": "fixed", "value": OFF, "count": 1, "max_tickets": USES, "word": "EARLY"}
        assert isinstance(self._do(1, MakeCodes(id=uuid4(), actor=ADMIN, event_id=self.event, **codes)), CodeBatchView)

    @rule(
        which=_which,
        actor=st.sampled_from([*CUSTOMERS, ADMIN]),
        category=st.sampled_from(["General", "VIP"]),
        count=st.integers(1, 3),
        has_code=st.booleans(),
    )
    def book(self, which: int, actor: Actor, category: str, count: int, has_code: bool) -> None:
        wanted, code = (WantedSeats(category, count),), EARLY if has_code else None
        command = BookSeats(id=uuid4(), actor=actor, event_id=self.event, tickets=wanted, code=code)
        free = self.is_free(category, count, None if actor is ADMIN else actor.id, has_code)
        view = self._do(which, command)
        assert isinstance(view, BookingView) == (self.status == "active" and free), view
        if isinstance(view, BookingView):
            self.coded |= {view.id} if has_code else set()
            self.gross += count * self.price(view.id, category)
            self.note(view)

    @rule(
        which=_which,
        actor=st.sampled_from([*CUSTOMERS, ADMIN]),
        category=st.sampled_from(["General", "VIP"]),
        count=st.integers(1, 3),
        has_code=st.booleans(),
    )
    def hold(self, which: int, actor: Actor, category: str, count: int, has_code: bool) -> None:
        wanted, code = (WantedSeats(category, count),), EARLY if has_code else None
        command = HoldSeats(id=uuid4(), actor=actor, event_id=self.event, tickets=wanted, code=code)
        owner = None if actor is ADMIN else actor.id
        free = self.is_free(category, count, owner, has_code)
        view = self._do(which, command)
        assert isinstance(view, HoldView) == (self.status == "active" and free), view
        if isinstance(view, HoldView):
            assert view.expires_at == self.now + 15 * MINUTE
            self.holds[view.id] = Hold(category, count, owner, view.expires_at, has_code)

    @precondition(lambda self: self.holds)
    @rule(which=_which, choice=_some)
    def confirm(self, which: int, choice: int) -> None:
        hold_id, hold = self._hold(choice)
        in_time = self.is_live(hold)
        wanted = hold.is_open and (in_time or self.is_free(hold.category, hold.count, hold.owner, hold.has_code))
        view = self._do(which, ConfirmHold(id=uuid4(), actor=ADMIN, event_id=self.event, hold_id=hold_id))
        assert isinstance(view, BookingView) == (self.status == "active" and wanted), view
        if isinstance(view, BookingView):
            assert (view.id, len(view.tickets)) == (hold_id, hold.count)
            hold.is_open = False
            self.coded |= {hold_id} if hold.has_code else set()
            self.gross += hold.count * self.price(hold_id, hold.category)
            self.note(view)

    @precondition(lambda self: self.holds)
    @rule(which=_which, choice=_some)
    def release(self, which: int, choice: int) -> None:
        hold_id, hold = self._hold(choice)
        wanted = self.is_live(hold)
        view = self._do(which, ReleaseHold(id=uuid4(), actor=ADMIN, event_id=self.event, hold_id=hold_id))
        assert isinstance(view, HoldView) == (self.status == "active" and wanted), view
        hold.is_open = hold.is_open and not isinstance(view, HoldView)

    @precondition(lambda self: self.holds)
    @rule(which=_which, choice=_some)
    def extend(self, which: int, choice: int) -> None:
        hold_id, hold = self._hold(choice)
        wanted = self.is_live(hold) and hold.extensions < MAX_EXTENSIONS
        ends = max(hold.ends, self.now + 15 * MINUTE)
        view = self._do(which, ExtendHold(id=uuid4(), actor=ADMIN, event_id=self.event, hold_id=hold_id))
        assert isinstance(view, HoldView) == (self.status == "active" and wanted), view
        if isinstance(view, HoldView):
            assert view.expires_at == ends
            hold.ends, hold.extensions = ends, hold.extensions + 1

    @rule(minutes=st.integers(1, 20))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE
        self.bench.now = self.now

    @rule()
    def lapse(self) -> None:
        """By a worker. The model does not notice."""
        with suppress(NothingDue, EventNotBookable):
            self.bench.gateway.execute(LapseHolds(id=uuid4(), actor=NOBODY, event_id=self.event), self.now)

    @precondition(lambda self: self.tickets)
    @rule(which=_which, choice=_some, ticket=st.one_of(st.none(), st.integers(0, 2)))
    def cancel(self, which: int, choice: int, ticket: int | None) -> None:
        booking = self._booking(choice)
        before = self.tickets[booking]
        command = CancelBooking(
            id=uuid4(), actor=ADMIN, event_id=self.event, booking_id=booking, tickets=None if ticket is None else (ticket,)
        )
        view = self._do(which, command)
        if isinstance(view, BookingView):
            self.note(view)
            changed = [old for old, new in zip(before, self.tickets[booking], strict=True) if old != new]
            assert changed
            assert all(status == "active" for _, status in changed)
            self.refunded += sum(self.price(booking, category) for category, _ in changed)

    @precondition(lambda self: self.tickets)
    @rule(which=_which, choice=_some)
    def pay(self, which: int, choice: int) -> None:
        booking = self._booking(choice)
        due = max(-self.balance(booking), 0)
        command = TakePayment(id=uuid4(), actor=ADMIN, event_id=self.event, booking_id=booking, method="cash", amount=due or 1)
        view = self._do(which, command)
        assert isinstance(view, BookingView) == bool(self.is_paid_here and due), view
        if isinstance(view, BookingView):
            self.money[booking].received += due
            self._check_money(view)

    @precondition(lambda self: self.is_paid_here and any(money.received for money in self.money.values()))
    @rule(which=_which, choice=_some, share=st.sampled_from([30, 100, 130]))
    def pay_back(self, which: int, choice: int, share: int) -> None:
        """A share of what can be, in percent."""
        paid = self.paid_bookings()
        booking = paid[choice % len(paid)]
        money = self.money[booking]
        owed, can_be = max(self.balance(booking), 0), money.received - money.paid_back
        amount = can_be * share // 100
        command = GiveRefund(
            id=uuid4(), actor=ADMIN, event_id=self.event, booking_id=booking, method="cash", amount=amount or 1, goodwill=True
        )
        view = self._do(which, command)
        assert isinstance(view, BookingView) == (0 < amount <= can_be), view
        if isinstance(view, BookingView):
            money.paid_back += amount
            money.waived += max(amount - owed, 0)
            self._check_money(view)

    def _check_money(self, view: BookingView) -> None:
        balance, money = self.balance(view.id), self.money[view.id]
        shown = (view.due_amount, view.refund_due_amount, view.paid_amount, view.refunded_amount)
        expected = (max(-balance, 0), max(balance, 0), money.received, money.paid_back)
        assert shown == tuple(to_text(amount, "EUR") for amount in expected)

    @precondition(lambda self: self.tickets)
    @rule(which=_which, choice=_some, ticket=st.integers(0, 2))
    def check_in(self, which: int, choice: int, ticket: int) -> None:
        command = CheckIn(id=uuid4(), actor=ADMIN, event_id=self.event, booking_id=self._booking(choice), ticket=ticket)
        view = self._do(which, command)
        if isinstance(view, BookingView):
            self.note(view)

    @rule(which=_which, general=st.integers(1, 9), vip=st.integers(1, 4))
    def change_capacity(self, which: int, general: int, vip: int) -> None:
        wanted = tuple(CategoryChange(category_id(self.event, n), capacity=c) for n, c in ((1, general), (2, vip)))
        command = ChangeEvent(
            id=uuid4(), actor=ADMIN, event_id=self.event, categories=wanted, expected_details_version=self.version
        )
        view = self._do(which, command)
        if isinstance(view, EventView):
            self.version = view.details_version
            self.capacity = {"General": general, "VIP": vip}
        else:
            used = {name: self.taken(name) + self.held(name) for name in self.capacity}
            assert self.status != "active" or general < used["General"] or vip < used["VIP"], view

    @precondition(lambda self: self.done)
    @rule(which=_which, choice=_some)
    def retry(self, which: int, choice: int) -> None:
        """Repeats any earlier command at either process: it returns the first result and executes nothing."""
        command, first = self.done[choice % len(self.done)]
        assert self._execute(which, command) == first

    @precondition(lambda self: len(self.done) > 12 and self.status == "active")
    @rule(which=_which)
    def cancel_event(self, which: int) -> None:
        view = self._do(which, CancelEvent(id=uuid4(), actor=ADMIN, event_id=self.event))
        assert isinstance(view, EventView)
        self.version, self.status = view.details_version, "cancelled"
        self.refunded = self.gross
        self.tickets = {booking: [(category, "cancelled") for category, _ in tickets] for booking, tickets in self.tickets.items()}

    @rule(which=_which)
    def crash(self, which: int) -> None:
        self.bench.crash(which)

    @rule(name=st.sampled_from(list(PROJECTORS)))
    def project(self, name: str) -> None:
        self.bench.project(name)

    @invariant()
    def never_below_zero_nor_above_capacity(self) -> None:
        for category, capacity in self.capacity.items():
            assert 0 <= self.taken(category) <= capacity

    def teardown(self) -> None:
        """After all entries were projected, each read table matches the model."""
        for name in PROJECTORS:
            self.bench.project(name)
        seats = self.bench.rows("SELECT name, taken, capacity FROM availability_categories WHERE event_id = :id", id=self.event)
        assert {name: (taken, capacity) for name, taken, capacity in seats} == {
            name: (self.taken(name), capacity) for name, capacity in self.capacity.items()
        }
        money = "SELECT coalesce(sum(gross), 0), coalesce(sum(refunded), 0) FROM {} WHERE event_id = :id"
        for table in ("revenue_categories", "revenue_hours"):
            ((gross, refunded),) = self.bench.rows(money.format(table), id=self.event)
            assert (gross, refunded) == (self.gross, self.refunded)
        if self.is_paid_here:
            self._check_money_of_read_tables()
        sold = self.bench.rows("SELECT booked - cancelled, gross, refunded FROM code_batches WHERE event_id = :id", id=self.event)
        coded = [(id_, ticket) for id_ in self.coded for ticket in self.tickets[id_]]
        stands = sum(status != "cancelled" for _, (_, status) in coded)
        paid = sum(self.price(id_, category) for id_, (category, _) in coded)
        back = sum(self.price(id_, category) for id_, (category, status) in coded if status == "cancelled")
        assert sold == [(stands, paid, back)]
        if self.status == "active":
            stand = """SELECT count(*) FROM tickets JOIN bookings USING (booking_id)
                WHERE event_id = :id AND tickets.status <> 'cancelled'"""
            assert self.bench.rows(stand, id=self.event)[0][0] == sum(map(self.taken, self.capacity))

    def _check_money_of_read_tables(self) -> None:
        own = [(self.balance(booking), self.money[booking]) for booking in self.tickets]
        received, paid_back = (sum(getattr(money, name) for _, money in own) for name in ("received", "paid_back"))
        due, owed = (sum(max(sign * balance, 0) for balance, _ in own) for sign in (-1, 1))
        totals = "SELECT received, paid_back, due, refund_due FROM revenue_events WHERE event_id = :id"
        assert self.bench.rows(totals, id=self.event) == [(received, paid_back, due, owed)]
        payments = "SELECT coalesce(sum(amount), 0), coalesce(sum(paid_back), 0), coalesce(sum(owed - paid_back), 0) FROM payments"
        assert self.bench.rows(f"{payments} WHERE event_id = :id", id=self.event) == [(received, paid_back, owed)]
        accounts = "SELECT account, sum(amount) FROM postings WHERE event_id = :id GROUP BY account"
        sums = {name: int(amount) for name, amount in self.bench.rows(accounts, id=self.event)}
        assert sum(sums.values()) == 0
        expected = {"receivable": due, "cash": received - paid_back, "refunds-payable": -owed}
        assert {name: sums.get(name, 0) for name in expected} == expected

    def _do(self, which: int, command: Command) -> Any:
        view = self._execute(which, command)
        if not isinstance(view, SeatledgerError):
            self.done.append((command, view))
        return view

    def _execute(self, which: int, command: Command) -> Any:
        work: Coroutine[Any, Any, Any] = self.bench.command_services[which][1].execute(command)
        try:
            return self.bench.run(work).view
        except SeatledgerError as error:
            return error

    def _hold(self, choice: int) -> tuple[UUID, Hold]:
        return list(self.holds.items())[choice % len(self.holds)]

    def _booking(self, choice: int) -> UUID:
        return list(self.tickets)[choice % len(self.tickets)]


def test_real_system_matches_the_model(database_url: str, tmp_path: Path) -> None:
    bench = Bench(database_url, tmp_path, NOW)
    examples, steps = rounds(15, 2_000), rounds(40, 50)

    class OnBench(World):
        def __init__(self) -> None:
            super().__init__(bench)

    try:
        run_state_machine_as_test(
            OnBench,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.explicit, Phase.generate),  # shrinking takes longer than a test may
            ),
        )
    finally:
        bench.close()
    print(f"model: {examples} x {steps} steps: equal")
