"""Compares the real system (two appenders on one PostgreSQL, projections) with a model, in random steps. After each step, seats
sold = active tickets, between 0 and the capacity, and the read tables match the model."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import NullPool, create_engine, text

from commands.appender.appender import Appender
from commands.service import CommandService
from ledger import entries as e
from ledger.commands import (
    Actor,
    BookSeats,
    CancelBooking,
    CancelEvent,
    CategoryChange,
    ChangeEvent,
    CheckIn,
    Command,
    Role,
    ScheduleEvent,
    WantedSeats,
)
from ledger.connection import LedgerConnection
from ledger.errors import SeatledgerError
from ledger.event import category_id
from ledger.keys import Keyring
from ledger.macs import MacCheck
from ledger.store import Ledger, sqlalchemy_url
from ledger.streams import Streams
from ledger.ticket_codes import TicketCodes
from ledger.views import BookingView, EventView
from projections.engine import catch_up
from projections.registry import PROJECTORS
from tests.ledger import scenario as s
from tests.soak import rounds

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ADMIN = Actor(UUID(int=0xAD), Role.ADMIN)
CUSTOMERS = [Actor(UUID(int=0xC0 + number), Role.CUSTOMER) for number in range(3)]
PRICES = {"General": 5_000, "VIP": 12_000}

_which = st.integers(0, 1)
_some = st.integers(0, 999)


class Bench:
    """Two command services on one database, a loop to run them in, and the projections."""

    def __init__(self, database_url: str, directory: Path) -> None:
        self.url = database_url
        self.loop = asyncio.Runner()
        self.run = self.loop.run
        self.codes = TicketCodes(Keyring.open(directory, "tickets"))
        self.engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
        self.ledger = Ledger(database_url)
        self.pool: AsyncConnectionPool[Any] = AsyncConnectionPool(database_url, kwargs={"autocommit": True}, min_size=1, open=False)
        self.run(self.pool.open())
        self.command_services: list[tuple[Appender, CommandService]] = [self.run(self.command_service()) for _ in range(2)]

    async def command_service(self) -> tuple[Appender, CommandService]:
        streams = Streams(self.pool, MacCheck(s.MACS))
        appender = Appender(connect=partial(LedgerConnection.connect, self.url, s.MACS), streams=streams, clock=lambda: NOW)
        await appender.start()
        return appender, CommandService(appender, streams, self.codes)

    def crash(self, which: int) -> None:
        """One process loses its event cache."""
        self.run(self.command_services[which][0].close())
        self.command_services[which] = self.run(self.command_service())

    def project(self, name: str) -> None:
        catch_up(self.engine, self.ledger, PROJECTORS[name], batch_size=7)

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values))

    def close(self) -> None:
        for appender, _ in self.command_services:
            self.run(appender.close())
        self.run(self.pool.close())
        self.ledger.close()
        self.loop.close()


class World(RuleBasedStateMachine):
    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.event = uuid4()
        self.capacity = {"General": 6, "VIP": 2}
        self.tickets: dict[UUID, list[tuple[str, str]]] = {}  # booking -> (category, status) of each ticket
        self.owners: dict[UUID, UUID | None] = {}
        self.gross = self.refunded = 0
        self.version = 1
        self.status = "active"
        self.done: list[tuple[Command, Any]] = []

    @initialize()
    def schedule(self) -> None:
        details = e.Details(name="Model", starts_at=NOW + timedelta(days=9), max_tickets_per_customer=4)
        categories = tuple(e.Category(n, name, PRICES[name], self.capacity[name]) for n, name in enumerate(self.capacity, 1))
        command = ScheduleEvent(
            id=self.event, actor=ADMIN, event_id=self.event, details=details, currency="EUR", categories=categories
        )
        assert isinstance(self._do(0, command), EventView)

    @rule(
        which=_which,
        actor=st.sampled_from([*CUSTOMERS, ADMIN]),
        category=st.sampled_from(["General", "VIP"]),
        count=st.integers(1, 3),
    )
    def book(self, which: int, actor: Actor, category: str, count: int) -> None:
        command = BookSeats(id=uuid4(), actor=actor, event_id=self.event, tickets=(WantedSeats(category, count),))
        held = sum(s != "cancelled" for b, tickets in self.tickets.items() if self.owners[b] == actor.id for _, s in tickets)
        free = count <= self.capacity[category] - self._taken(category) and (actor is ADMIN or held + count <= 4)
        view = self._do(which, command)
        assert isinstance(view, BookingView) == (self.status == "active" and free), view
        if isinstance(view, BookingView):
            self.gross += count * PRICES[category]
            self._note(view)

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
            self._note(view)
            changed = [old for old, new in zip(before, self.tickets[booking], strict=True) if old != new]
            assert changed
            assert all(status == "active" for _, status in changed)
            self.refunded += sum(PRICES[category] for category, _ in changed)

    @precondition(lambda self: self.tickets)
    @rule(which=_which, choice=_some, ticket=st.integers(0, 2))
    def check_in(self, which: int, choice: int, ticket: int) -> None:
        command = CheckIn(id=uuid4(), actor=ADMIN, event_id=self.event, booking_id=self._booking(choice), ticket=ticket)
        view = self._do(which, command)
        if isinstance(view, BookingView):
            self._note(view)

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
            assert self.status != "active" or general < self._taken("General") or vip < self._taken("VIP")

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
            assert 0 <= self._taken(category) <= capacity

    def teardown(self) -> None:
        """After all entries were projected, each read table matches the model."""
        for name in PROJECTORS:
            self.bench.project(name)
        seats = self.bench.rows("SELECT name, taken, capacity FROM availability_categories WHERE event_id = :id", id=self.event)
        assert {name: (taken, capacity) for name, taken, capacity in seats} == {
            name: (self._taken(name), capacity) for name, capacity in self.capacity.items()
        }
        money = "SELECT coalesce(sum(gross), 0), coalesce(sum(refunded), 0) FROM {} WHERE event_id = :id"
        for table in ("revenue_categories", "revenue_hours"):
            ((gross, refunded),) = self.bench.rows(money.format(table), id=self.event)
            assert (gross, refunded) == (self.gross, self.refunded)
        if self.status == "active":
            stand = """SELECT count(*) FROM tickets JOIN bookings USING (booking_id)
                WHERE event_id = :id AND tickets.status <> 'cancelled'"""
            assert self.bench.rows(stand, id=self.event)[0][0] == sum(map(self._taken, self.capacity))

    def _do(self, which: int, command: Command) -> Any:
        view = self._execute(which, command)
        if not isinstance(view, SeatledgerError):
            self.done.append((command, view))
        return view

    def _execute(self, which: int, command: Command) -> Any:
        work: Awaitable[Any] = self.bench.command_services[which][1].execute(command)
        try:
            return self.bench.run(work).view  # type: ignore[arg-type]
        except SeatledgerError as error:
            return error

    def _note(self, view: BookingView) -> None:
        self.tickets[view.id] = [(ticket.category, ticket.status) for ticket in view.tickets]
        self.owners[view.id] = view.customer_id

    def _booking(self, choice: int) -> UUID:
        return list(self.tickets)[choice % len(self.tickets)]

    def _taken(self, category: str) -> int:
        return sum(name == category and status != "cancelled" for tickets in self.tickets.values() for name, status in tickets)


def test_real_system_matches_the_model(database_url: str, tmp_path: Path) -> None:
    bench = Bench(database_url, tmp_path)
    examples, steps = rounds(15, 2_000), rounds(40, 50)
    try:
        run_state_machine_as_test(
            lambda: World(bench),  # type: ignore[arg-type]  # a factory works too
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
