"""A state machine over the core: the invariants of the Event hold for all commands in all orders.

Beside the Event an own, naive account is kept: a list of tickets, each with its seat, its holder, its price and its state.
SOAK=1 plays the long round: 2,000 games of 50 steps instead of 100 of 30.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger import entries as e
from ledger import snapshots
from ledger.commands import Actor, CancelEvent, Command, CompleteEvent
from ledger.decide import decide
from ledger.errors import SeatledgerError
from ledger.event import Event, evolve
from tests.ledger import scenario as s
from tests.ledger.histories import fold
from tests.ledger.test_event import restored, without_newest
from tests.soak import rounds

NAMES = {1: "General", 2: "VIP"}

people = st.sampled_from((s.ALICE, s.BOB, s.OTHER_ORGANIZER, s.ORGANIZER))
any_one = st.integers(0, 1_000)


@dataclass
class Ticket:
    booking: UUID
    number: int
    category: int
    holder: UUID | None
    price: int
    state: str = "active"


class Selling(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.event: Event | None = None
        self.ledger: list[e.RecordedEntry] = []
        self.sent: list[Command] = []
        self.tickets: list[Ticket] = []
        self.paid = self.refunded = 0
        self.price, self.capacity = {1: 0, 2: 0}, {1: 0, 2: 0}

    # --- what the appender does with a command

    def submit(self, command: Command) -> bool:
        """Whether the command was executed. A refused or repeated command must not change anything."""
        before = s.state(self.event) if self.event else None
        try:
            if self.event is not None and self.event.version_of(command.id) is not None:
                return False
            entries = decide(self.event, command, s.NOW)
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
        self.sent.append(command)
        return True

    def named(self, command: Command) -> Command:
        return msgspec.structs.replace(command, id=uuid5(s.EVENT, str(len(self.ledger))))

    # --- what people do

    @initialize(price=st.integers(0, 9_999), capacity=st.integers(1, 30), limit=st.none() | st.integers(1, 9))
    def schedule(self, price: int, capacity: int, limit: int | None) -> None:
        categories = (e.Category(1, "General", price, capacity), e.Category(2, "VIP", price * 3, 2))
        self.price, self.capacity, self.limit = {1: price, 2: price * 3}, {1: capacity, 2: 2}, limit
        assert self.submit(self.named(s.schedule(*categories, max_tickets_per_customer=limit)))

    @rule(actor=people, customer=st.none() | people, general=st.integers(0, 5), vip=st.integers(0, 2))
    def book(self, actor: Actor, customer: Actor | None, general: int, vip: int) -> None:
        wanted = {1: general, 2: vip}
        at_box_office = actor is s.ORGANIZER
        holder = (customer.id if customer else None) if at_box_office else actor.id
        command = self.named(
            s.book_for(actor, customer if at_box_office else None, **{NAMES[c]: q for c, q in wanted.items() if q})
        )
        due = {c: q for c, q in wanted.items() if q} or {1: 1}
        held = sum(ticket.state != "cancelled" for ticket in self.tickets if ticket.holder == holder)
        fits = all(self.taken(category) + quantity <= self.capacity[category] for category, quantity in due.items())
        allowed = holder is None or self.limit is None or held + sum(due.values()) <= self.limit
        assert self.submit(command) == (self.status == "active" and fits and allowed)
        if self.ledger[-1].entry.command == command.id:
            seats = [category for category, quantity in due.items() for _ in range(quantity)]
            self.tickets += [Ticket(command.id, n, c, holder, self.price[c]) for n, c in enumerate(seats)]
            self.paid += sum(self.price[category] for category in seats)

    @rule(actor=people, category=st.sampled_from([1, 2]))
    def book_one(self, actor: Actor, category: int) -> None:
        self.book(actor, actor, int(category == 1), int(category == 2))

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
        assert done == (ticket.state == "active" and self.status != "completed")
        if done:
            ticket.state = "used"

    @rule(category=st.sampled_from([1, 2]), capacity=st.integers(1, 30), price=st.integers(0, 9_999))
    def change(self, category: int, capacity: int, price: int) -> None:
        assert self.event is not None
        wanted = tuple(
            s.as_is(
                e.Category(c, NAMES[c], price if c == category else self.price[c], capacity if c == category else self.capacity[c])
            )
            for c in NAMES
        )
        done = self.submit(self.named(s.change(version=self.event.details_version, to=wanted)))
        assert done == (self.status == "active" and capacity >= self.taken(category))
        if done:
            self.price[category], self.capacity[category] = price, capacity

    @rule(die=st.integers(1, 20), complete=st.booleans())
    def end(self, die: int, complete: bool) -> None:
        if die != 13:  # most games go on
            return
        active = self.status == "active"
        assert self.submit(self.named((CompleteEvent if complete else CancelEvent)(**s.by(s.ORGANIZER)))) == active
        if active and not complete:
            self.give_back(self.tickets)

    # --- the own account

    @property
    def status(self) -> str:
        last = next(
            (type(recorded.entry) for recorded in self.ledger if isinstance(recorded.entry, e.EventCancelled | e.EventCompleted)),
            None,
        )
        return {e.EventCancelled: "cancelled", e.EventCompleted: "completed", None: "active"}[last]

    def taken(self, category: int) -> int:
        return sum(ticket.category == category and ticket.state != "cancelled" for ticket in self.tickets)

    def booking(self, which: int) -> list[Ticket]:
        booking = self.tickets[which % len(self.tickets)].booking
        return [ticket for ticket in self.tickets if ticket.booking == booking]

    def give_back(self, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            self.refunded += ticket.price if ticket.state != "cancelled" else 0
            ticket.state = "cancelled"

    # --- what is so after each step

    @invariant()
    def seats_taken_are_the_tickets_that_stand(self) -> None:
        for category in self.event.categories.values() if self.event else ():
            assert 0 <= category.taken <= category.capacity == self.capacity[category.number]
            assert category.taken == self.taken(category.number)
            assert category.price == self.price[category.number]

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
        assert self.event.customers == held

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
                paid += sum(line.quantity * line.unit_price for line in entry.lines)
            elif isinstance(entry, e.BookingCancelled):
                refunded += sum(line.refund for line in entry.lines)
            elif isinstance(entry, e.EventCancelled):
                refunded = paid
        assert (paid, refunded) == (self.paid, self.refunded)


TestSelling: Any = Selling.TestCase
TestSelling.settings = settings(
    max_examples=rounds(100, 2_000),
    stateful_step_count=rounds(30, 50),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
