"""A state machine over the core: the invariants of the Event hold for all commands in all orders.

Beside the Event an own, naive account is kept (`own_account.py`). When a worker lets holds lapse changes no decision.
SOAK=1 plays the long round: 2,000 games of 50 steps instead of 100 of 30.
"""

from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid5

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger import entries as e
from ledger import snapshots
from ledger.booking_money import BookingMoney
from ledger.checkout import GRACE, PAYABLE
from ledger.code_batches import CodeUse
from ledger.commands import Actor, CancelEvent, Command, CompleteEvent, HoldCommand, LapseHolds
from ledger.decide import decide
from ledger.details import Category, PaymentMethod
from ledger.errors import SeatledgerError
from ledger.event import Event, pool_id
from ledger.evolve import evolve
from ledger.hold_errors import EntryNeeded
from ledger.hold_rules import MAX_EXTENSIONS
from ledger.paying import event_refund_id
from tests.ledger import promo_codes as promo
from tests.ledger import scenario as s
from tests.ledger.histories import fold
from tests.ledger.own_account import USES, Hold, Money, OnlinePayment, OwnAccount, Ticket
from tests.ledger.test_event import restored, without_newest
from tests.soak import rounds

NAMES = {1: "General", 2: "VIP"}

METHODS: tuple[tuple[PaymentMethod, ...], ...] = ((), ("box_office",), ("demo",), ("box_office", "demo"))

C = TypeVar("C", bound=Command)

people = st.sampled_from((s.ALICE, s.BOB, s.OTHER_ORGANIZER, s.ORGANIZER))
any_one = st.integers(0, 1_000)
#: Two promo codes of a batch, or none.
codes = st.sampled_from((None, None, 0, 1))


class Selling(OwnAccount, RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.event: Event | None = None
        self.ledger: list[e.RecordedEntry] = []
        self.sent: list[Command] = []
        #: The bookings, or holds, for which money came in online.
        self.online = set[UUID]()

    # --- what the appender does with a command

    def submit(self, command: Command) -> bool:
        """Whether the command was executed. A refused or repeated command must not change anything."""
        before = s.state(self.event) if self.event else None
        try:
            if self.event is not None and self.event.version_of(command.id) is not None:
                return False
            entries = decide(self.event, command, self.now)
        except EntryNeeded as needed:
            assert isinstance(command, HoldCommand)
            return self.submit(command.with_entry(self.ledger[needed.version - 1].entry))
        except SeatledgerError:
            assert before is None or self.event is None or s.state(self.event) == before
            return False
        trial = self.event.trial() if self.event else None
        for entry in entries:
            self.ledger.append(e.RecordedEntry(s.EVENT, len(self.ledger) + 1, entry))
            trial = evolve(trial, self.ledger[-1])
        assert self.event is None or s.state(self.event) == before, "a trial changes nothing"
        assert trial is not None
        self.event = trial.merge()
        if not isinstance(command, LapseHolds):  # which is never sent again: it names no holds
            self.sent.append(command)
        return True

    def named(self, command: C) -> C:
        return msgspec.structs.replace(command, id=uuid5(s.EVENT, str(len(self.ledger))))

    # --- what people do

    @initialize(
        price=st.integers(0, 9_999), capacity=st.integers(1, 30), limit=st.none() | st.integers(1, 9),
        methods=st.sampled_from(METHODS),
    )  # fmt: skip
    def schedule(self, price: int, capacity: int, limit: int | None, methods: tuple[PaymentMethod, ...]) -> None:
        categories = (Category(1, "General", price, capacity), Category(2, "VIP", price * 3, 2))
        self.price, self.capacity, self.limit = {1: price, 2: price * 3}, {1: capacity, 2: 2}, limit
        self.methods = methods
        assert self.submit(self.named(s.schedule(*categories, max_tickets_per_customer=limit, payment_methods=methods)))
        assert self.submit(self.named(promo.make_codes(value=1_234, count=2, max_tickets=USES)))

    @rule(actor=people, customer=st.none() | people, general=st.integers(0, 5), vip=st.integers(0, 2), code=codes)
    def book(self, actor: Actor, customer: Actor | None, general: int, vip: int, code: int | None) -> None:
        wanted = {1: general, 2: vip}
        at_box_office = actor is s.ORGANIZER
        holder = (customer.id if customer else None) if at_box_office else actor.id
        command = self.named(
            s.book_for(actor, customer if at_box_office else None, **{NAMES[c]: q for c, q in wanted.items() if q})
        )
        command = command if code is None else promo.using(command, promo.code(code))
        due = {c: q for c, q in wanted.items() if q} or {1: 1}
        prices = [price for c, q in due.items() for price in self.prices(c, q, code)]
        is_ordered = self.is_payable_later(prices, at_box_office=at_box_office)
        assert self.submit(command) == (is_ordered and self.is_acceptable(due, holder, code))
        if self.ledger[-1].entry.command == command.id:
            seats = [(category, price) for category in due for price in self.prices(category, due[category], code)]
            self.sell([Ticket(command.id, n, c, holder, price, code) for n, (c, price) in enumerate(seats)])

    @rule(die=st.integers(1, 10))
    def withdraw(self, die: int) -> None:
        if die == 7:
            expected = self.status == "active" and not self.is_withdrawn
            assert self.submit(self.named(promo.withdraw_codes())) == expected
            self.is_withdrawn |= expected

    @rule(actor=people, category=st.sampled_from([1, 2]))
    def book_one(self, actor: Actor, category: int) -> None:
        self.book(actor, actor, int(category == 1), int(category == 2), None)

    @rule(minutes=st.sampled_from([1, 5, 16]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def lapse(self) -> None:
        """A worker's tick: the own account does not notice."""
        self.submit(self.named(s.lapse()))

    @rule(actor=people, general=st.integers(0, 5), vip=st.integers(0, 2), code=codes)
    def hold(self, actor: Actor, general: int, vip: int, code: int | None) -> None:
        wanted = {c: q for c, q in {1: general, 2: vip}.items() if q} or {1: 1}
        holder = None if actor is s.ORGANIZER else actor.id
        command = self.named(s.hold(actor, **{NAMES[c]: q for c, q in wanted.items()}))
        command = command if code is None else promo.using(command, promo.code(code))
        expected = self.is_acceptable(wanted, holder, code)
        assert self.submit(command) == expected
        if expected:
            seats = [category for category, quantity in wanted.items() for _ in range(quantity)]
            prices = [price for category in wanted for price in self.prices(category, wanted[category], code)]
            self.holds.append(Hold(command.id, seats, prices, holder, self.now + timedelta(minutes=15), code))

    @precondition(lambda self: self.holds)
    @rule(which=any_one, customer=st.none() | people)
    def confirm(self, which: int, customer: Actor | None) -> None:
        """`customer`: the one of the booking, if it is not that of the hold."""
        hold = self.holds[which % len(self.holds)]
        holder = customer.id if customer else hold.holder
        in_time = hold in self.live_holds()
        wanted = {seat: hold.seats.count(seat) for seat in hold.seats}
        can_be_theirs = holder == hold.holder or self.is_within_limit(len(hold.seats), holder)
        prices = hold.prices if in_time else [p for c, q in wanted.items() for p in self.prices(c, q, hold.code)]
        is_late_and_fits = self.is_acceptable(wanted, holder, hold.code) and sum(prices) == sum(hold.prices)
        fits = can_be_theirs if in_time else is_late_and_fits
        expected = hold.is_open and self.status == "active" and fits
        assert self.submit(self.named(s.confirm(s.ADMIN, hold=hold.id, customer=customer))) == expected
        if expected:
            hold.is_open = False
            seats = zip(hold.seats, prices, strict=True)
            self.sell([Ticket(hold.id, n, c, holder, price, hold.code) for n, (c, price) in enumerate(seats)])

    @precondition(lambda self: self.holds)
    @rule(which=any_one)
    def release(self, which: int) -> None:
        hold = self.holds[which % len(self.holds)]
        expected = self.status == "active" and hold in self.live_holds()
        assert self.submit(self.named(s.release(s.ADMIN, hold=hold.id))) == expected
        if expected:
            hold.is_open, hold.is_released = False, True

    @precondition(lambda self: self.holds)
    @rule(which=any_one, customer=st.none() | people)
    def start_payment(self, which: int, customer: Actor | None) -> None:
        """`customer`: who pays, and whose the booking becomes, if it is not that of the hold."""
        hold = self.holds[which % len(self.holds)]
        holder = customer.id if customer else hold.holder
        can_be_theirs = holder == hold.holder or self.is_within_limit(len(hold.seats), holder)
        can_be_paid = "demo" in self.methods and sum(hold.prices) > 0 and hold.payment is None
        expected = hold in self.live_holds() and can_be_paid and can_be_theirs
        command = self.named(s.start_payment(s.ADMIN, hold=hold.id, customer=customer))
        assert self.submit(command) == expected
        if expected:
            hold.payment, hold.holder = OnlinePayment(command.id, sum(hold.prices)), holder
            hold.ends = max(hold.ends, self.now + PAYABLE + GRACE)

    @precondition(lambda self: any(hold.payment for hold in self.holds))
    @rule(which=any_one, off=st.sampled_from([0, 0, 0, 1, -1]))
    def receive_payment(self, which: int, off: int) -> None:
        """Once, it is never refused. `off`: by how much the amount is wrong."""
        paying = [hold for hold in self.holds if hold.payment is not None and not hold.payment.is_received]
        hold = paying[which % len(paying)] if paying else next(hold for hold in self.holds if hold.payment)
        assert hold.payment is not None
        amount = hold.payment.amount + off
        wanted = {seat: hold.seats.count(seat) for seat in hold.seats}
        is_had = hold in self.live_holds() or self.is_acceptable(wanted, hold.holder, hold.code)
        is_booked = not self.is_sold(hold) and off >= 0 and self.status == "active" and not hold.is_released and is_had
        done = self.submit(self.named(s.receive_payment(amount, hold.payment.id, hold.id)))
        assert done == (amount > 0 and not hold.payment.is_received)
        if done and is_booked:
            hold.is_open = False
            seats = zip(hold.seats, hold.prices, strict=True)
            tickets = [Ticket(hold.id, n, c, hold.holder, price, hold.code) for n, (c, price) in enumerate(seats)]
            self.sell(tickets, is_online=True)
        if done and not self.is_sold(hold):
            hold.payment.is_received = True
            self.money[hold.payment.id] = Money(received=amount)
            self.online.add(hold.payment.id)
        elif done:
            hold.payment.is_received = True
            price = sum(ticket.price for ticket in self.tickets if ticket.booking == hold.id and ticket.state != "cancelled")
            self.money.setdefault(hold.id, Money(waived=price)).received += amount
            self.online.add(hold.id)

    @rule(actor=people, customer=people, general=st.integers(1, 4), minutes=st.sampled_from([0, 0, 16, 36]))
    def buy_online(self, actor: Actor, customer: Actor, general: int, minutes: int) -> None:
        """All steps of it; `minutes` pass before the money comes in."""
        before = len(self.holds)
        self.hold(actor, general, 0, None)
        if len(self.holds) > before and "demo" in self.methods:
            self.start_payment(-1, customer)
            self.wait(minutes)
            if self.holds[-1].payment:
                self.receive_payment(-1, 0)

    @precondition(lambda self: self.online)
    @rule(which=any_one, has_failed=st.booleans(), share=st.sampled_from([50, 100, 101]))
    def refund_by_provider(self, which: int, has_failed: bool, share: int) -> None:
        assert self.event is not None
        booking = sorted(self.online)[which % len(self.online)]
        money: BookingMoney = self.event.money[booking.bytes]
        methods = {payment.id: payment.method for payment in money.payments}
        debts = [(UUID(bytes=refund.id), refund.payment, refund.amount) for refund in money.refunds]
        if self.status == "cancelled":
            debts += [(event_refund_id(UUID(bytes=pay.id)), pay.id, pay.kept) for pay in money.payments if pay.kept]
        for refund, payment, owed in debts:
            is_theirs = methods[payment] == "demo" and refund.bytes not in money.failed_refunds
            amount, of = max(owed * share // 100, 1), (refund, UUID(bytes=payment), booking)
            if has_failed:
                assert self.submit(self.named(s.record_failed_refund(*of))) == is_theirs
            else:
                done = self.submit(self.named(s.record_refund(amount, *of)))
                assert done == (is_theirs and amount <= owed)
                self.money[booking].given_back += amount if done else 0

    @precondition(lambda self: self.holds)
    @rule(which=any_one)
    def extend(self, which: int) -> None:
        hold = self.holds[which % len(self.holds)]
        expected = self.status == "active" and hold in self.live_holds() and hold.extensions < MAX_EXTENSIONS
        assert self.submit(self.named(s.extend(s.ADMIN, hold=hold.id))) == expected
        if expected:
            hold.ends, hold.extensions = max(hold.ends, self.now + timedelta(minutes=15)), hold.extensions + 1

    @precondition(lambda self: self.sent)
    @rule(which=any_one)
    def retry(self, which: int) -> None:
        assert not self.submit(self.sent[which % len(self.sent)])

    @precondition(lambda self: self.tickets)
    @rule(which=any_one)
    def cancel_all(self, which: int) -> None:
        tickets = self.booking(which)
        states = {ticket.state for ticket in tickets}
        done = self.submit(self.named(s.cancel(s.ADMIN, booking=tickets[0].booking)))
        assert done == ("active" in states and "used" not in states)
        if done:
            self.give_back(tickets)

    @precondition(lambda self: self.tickets)
    @rule(which=any_one, numbers=st.sets(st.integers(0, 4), min_size=1))
    def cancel_some(self, which: int, numbers: set[int]) -> None:
        tickets = self.booking(which)
        chosen = [ticket for ticket in tickets if ticket.number in numbers]
        done = self.submit(self.named(s.cancel(s.ADMIN, *numbers, booking=tickets[0].booking)))
        assert done == (len(chosen) == len(numbers) and all(ticket.state == "active" for ticket in chosen))
        if done:
            self.give_back(chosen)

    @precondition(lambda self: self.tickets)
    @rule(which=any_one)
    def check_in(self, which: int) -> None:
        ticket = self.tickets[which % len(self.tickets)]
        done = self.submit(self.named(s.check_in(s.ORGANIZER, ticket.number, ticket.booking)))
        is_paid = not ticket.price or not self.due(ticket.booking)
        assert done == (ticket.state == "active" and self.status != "completed" and is_paid)
        if done:
            ticket.state = "used"

    @rule(customer=st.none() | people, general=st.integers(1, 4))
    def sell_at_box_office(self, customer: Actor | None, general: int) -> None:
        """And take the money at once."""
        before = len(self.tickets)
        self.book(s.ORGANIZER, customer, general, 1, None)
        if len(self.tickets) > before:
            self.take_payment(-1, 0)

    @precondition(lambda self: self.tickets)
    @rule(which=any_one, off=st.sampled_from([0, 0, 0, 1, -1]))
    def take_payment(self, which: int, off: int) -> None:
        """`off`: by how much the amount is wrong."""
        bookings = [id_ for id_ in self.money if self.due(id_)] or [ticket.booking for ticket in self.tickets]
        booking = bookings[which % len(bookings)]
        due = self.due(booking)
        done = self.submit(self.named(s.take_payment(due + off, booking=booking)))
        assert done == (due > 0 and off == 0)
        if done:
            self.money[booking].received += due

    @precondition(lambda self: self.money.keys() - self.online)
    @rule(which=any_one, share=st.sampled_from([1, 50, 100, 120]), goodwill=st.booleans())
    def give_refund(self, which: int, share: int, goodwill: bool) -> None:
        """At the box office, of what it took itself. `share`: of what can be given back, in percent."""
        taken = [id_ for id_ in self.money if id_ not in self.online]
        bookings = [id_ for id_ in taken if self.money[id_].received] or taken
        booking = bookings[which % len(bookings)]
        money, owed = self.money.get(booking, Money()), self.owed(booking)
        refundable = money.received - money.given_back if goodwill else owed
        amount = refundable * share // 100
        assert self.submit(self.named(s.give_refund(amount, booking=booking, goodwill=goodwill))) == (0 < amount <= refundable)
        if 0 < amount <= refundable:
            money.waived += max(amount - owed, 0)
            money.given_back += amount

    @rule(category=st.sampled_from([1, 2]), capacity=st.integers(1, 30), price=st.integers(0, 9_999))
    def change(self, category: int, capacity: int, price: int) -> None:
        assert self.event is not None
        wanted = tuple(
            s.as_is(
                Category(c, NAMES[c], price if c == category else self.price[c], capacity if c == category else self.capacity[c])
            )
            for c in NAMES
        )
        done = self.submit(self.named(s.change(version=self.event.details_version, to=wanted)))
        fits = all(self.taken(c) + self.held(c) <= self.capacity[c] for c in NAMES if c != category)
        assert fits, "what is held always fits"
        assert done == (self.status == "active" and capacity >= self.taken(category) + self.held(category))
        if done:
            self.price[category], self.capacity[category] = price, capacity

    @rule(capacity=st.integers(1, 12), has_pool=st.booleans())
    def set_pool(self, capacity: int, has_pool: bool) -> None:
        """Both categories share it."""
        assert self.event is not None
        id_ = pool_id(s.EVENT, self.event.pools[0].number) if self.event.pools else None
        wanted = (s.shared(capacity, id_),) if has_pool else ()
        done = self.submit(self.named(s.change(version=self.event.details_version, pools=wanted)))
        assert done == (self.status == "active" and (not has_pool or self.in_pool() <= capacity))
        if done:
            self.pool = capacity if has_pool else 0

    @rule(die=st.integers(1, 10), methods=st.sampled_from(METHODS))
    def change_payment(self, die: int, methods: tuple[PaymentMethod, ...]) -> None:
        """It applies to later bookings."""
        assert self.event is not None
        if die == 7 and self.submit(self.named(s.change(version=self.event.details_version, payment_methods=methods))):
            self.methods = methods

    @rule(die=st.integers(1, 20), complete=st.booleans())
    def end(self, die: int, complete: bool) -> None:
        if die != 13:  # most games go on
            return
        active = self.status == "active"
        assert self.submit(self.named((CompleteEvent if complete else CancelEvent)(**s.by(s.ORGANIZER)))) == active
        if active:
            self.status = "completed" if complete else "cancelled"
        if active and not complete:
            self.give_back(self.tickets)

    # --- what is so after each step

    @invariant()
    def seats_taken_are_the_tickets_that_stand(self) -> None:
        for category in self.event.categories.values() if self.event else ():
            assert 0 <= category.taken <= category.capacity == self.capacity[category.number]
            assert category.taken == self.taken(category.number)
            assert category.price == self.price[category.number]
            due = sum(hold.seats.count(category.number) for _, hold in dict(self.due_holds()).items())
            assert category.taken + category.held <= category.capacity
            assert category.held - due == self.held(category.number)

    @invariant()
    def a_pool_never_holds_more_than_its_capacity(self) -> None:
        for pool in self.event.pools if self.event else ():
            assert pool.capacity == self.pool
            assert self.event is not None
            assert sum(self.event.seats_of(pool)) <= pool.capacity

    @invariant()
    def codes_are_used_as_often_as_they_are_good_for(self) -> None:
        if self.event is None or self.status != "active":  # nothing more is sold then: the counts are as they were
            return
        due = [hold for _, hold in dict(self.due_holds()).items()]
        for number in (0, 1):
            key = CodeUse(1, number).key
            uses = self.event.code_uses.get(key, 0)
            assert uses <= USES
            assert uses - sum(len(hold.seats) for hold in due if hold.code == key) == self.uses(number)

    def due_holds(self) -> list[tuple[bytes, Any]]:
        assert self.event is not None
        return list(self.event.hold_ends.all_due(self.now, self.event.holds))

    @invariant()
    def the_index_of_ends_finds_each_due_hold(self) -> None:
        if self.event is not None:
            due = {id_ for id_, hold in s.state(self.event)["holds"].items() if hold.is_due(self.now)}
            assert {id_ for id_, _ in self.due_holds()} == due

    @invariant()
    def each_ticket_is_in_the_state_that_it_is_in(self) -> None:
        for ticket in self.tickets if self.event else ():
            assert self.event is not None
            assert chr(self.event.ticket_states(ticket.booking)[ticket.number]) == ticket.state[0]

    @invariant()
    def customers_hold_what_they_hold(self) -> None:
        if self.event is None or self.status == "cancelled":  # nothing more is sold then: the counts are as they were
            return
        held: dict[bytes, int] = {}
        for ticket in self.tickets:
            if ticket.holder:
                held[ticket.holder.bytes] = held.get(ticket.holder.bytes, 0) + (ticket.state != "cancelled")
        for id_, hold in s.state(self.event)["holds"].items():
            if hold.customer:
                held[hold.customer] = held.get(hold.customer, 0) + len(hold.seats)
            assert UUID(bytes=id_) in {known.id for known in self.holds if known.is_open}
        if self.status == "active":
            counted = s.state(self.event)["customers"]
            assert {who: count for who, count in counted.items() if count} == {w: c for w, c in held.items() if c}

    @invariant()
    def versions_are_dense_and_the_replay_is_the_state(self) -> None:
        if self.event is None:
            return
        assert [recorded.version for recorded in self.ledger] == list(range(1, self.event.version + 1))
        assert s.state(fold(self.ledger)) == s.state(self.event)
        assert without_newest(restored(snapshots.take(self.event))) == without_newest(self.event)

    @invariant()
    def money_adds_up(self) -> None:
        """The expected refund by the entries; a cancelled Event refunds all that was not refunded before."""
        paid = refunded = 0
        for entry in (recorded.entry for recorded in self.ledger):
            if isinstance(entry, e.SeatsBooked):
                paid += sum(entry.ticket_amounts)
            elif isinstance(entry, e.BookingCancelled):
                refunded += sum(line.refund for line in entry.lines)
            elif isinstance(entry, e.EventCancelled):
                refunded = paid
        assert (paid, refunded) == (self.paid, self.refunded)

    @invariant()
    def money_is_due_or_owed_as_by_the_own_account(self) -> None:
        """What is owed back is what exceeds the price; of a cancelled Event without an entry, otherwise by open refunds."""
        if self.event is None:
            return
        assert {UUID(bytes=id_) for id_ in s.state(self.event)["money"]} == self.money.keys()
        for booking, own in self.money.items():
            money: BookingMoney = self.event.money[booking.bytes]
            owed = money.owed + (money.kept if self.status == "cancelled" else 0)
            due = self.event.due(booking) if booking.bytes in self.event.bookings else 0
            assert (due, owed) == (self.due(booking), self.owed(booking))
            assert 0 <= own.given_back <= own.received
            assert own.received - own.given_back == money.kept + money.owed

    @invariant()
    def refunds_and_payments_by_the_entries(self) -> None:
        received = paid_back = 0
        for entry in (recorded.entry for recorded in self.ledger):
            received += entry.amount if isinstance(entry, e.PaymentReceived) else 0
            paid_back += entry.amount if isinstance(entry, e.RefundPaid) else 0
        own = self.money.values()
        assert (received, paid_back) == (sum(money.received for money in own), sum(money.given_back for money in own))


TestSelling: Any = Selling.TestCase
TestSelling.settings = settings(
    max_examples=rounds(100, 2_000),
    stateful_step_count=rounds(30, 50),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
