"""Random stories: commands over several Events, interleaved as in a ledger, and the rows of the read tables."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Engine, text

from ledger import entries as e
from ledger.booking_money import BookingMoney
from ledger.code_batches import CodeEffect
from ledger.commands import (
    Actor,
    BookSeats,
    CancelBooking,
    CancelEvent,
    CategoryChange,
    ChangeEvent,
    CheckIn,
    CodePlace,
    Command,
    ConfirmHold,
    ExtendHold,
    GiveRefund,
    HoldCommand,
    HoldSeats,
    LapseHolds,
    MakeCodes,
    PoolChange,
    ReceivePayment,
    RecordFailedRefund,
    RecordRefund,
    ReleaseHold,
    Role,
    ScheduleEvent,
    StartPayment,
    TakePayment,
    WantedCode,
    WantedSeats,
    WithdrawCodes,
)
from ledger.decide import decide
from ledger.details import Category, Details, PaymentMethod
from ledger.entries import RecordedEntry
from ledger.errors import SeatledgerError
from ledger.event import Event, batch_id, category_id
from ledger.evolve import evolve
from ledger.hold_errors import EntryNeeded
from ledger.paying import debts_of
from projections.registry import PROJECTORS
from projections.tables import table_of
from tests.ledger.scenario import ids_of

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ORGANIZER = Actor(UUID(int=0x0E), Role.ORGANIZER)
NOBODY = Actor(None, Role.ADMIN)
CUSTOMERS = [Actor(UUID(int=0xC0 + number), Role.CUSTOMER) for number in range(6)]
_NAMES = UUID(int=0x5707)


class Story:
    """`tell` adds steps to `entries`, which can be appended to a ledger, and to `events`. Half of the events are paid, at the box
    office or online.

    Beside running workers a story has to `start` in the future: else they let its holds lapse before it does.
    """

    def __init__(self, seed: int, events: int = 4, start: datetime = START) -> None:
        self.dice = random.Random(seed)
        self.now = start
        self.entries: list[RecordedEntry] = []
        self.events: dict[UUID, Event] = {}
        self.refunds: dict[UUID, int] = {}
        self._seed = seed
        for number in range(events):
            id_ = uuid5(_NAMES, f"{seed} event {number}")
            methods: tuple[PaymentMethod, ...] = ("box_office", "demo") if number % 2 else ()
            details = Details(
                name=f"Event {number}", starts_at=start + timedelta(days=90), max_tickets_per_customer=20, payment_methods=methods
            )
            categories = (Category(1, "General", 1_050, 60), Category(2, "VIP", 9_900, 12))
            self._execute(
                ScheduleEvent(id=id_, actor=ORGANIZER, event_id=id_, details=details, currency="EUR", categories=categories)
            )

    def tell(self, steps: int) -> list[RecordedEntry]:
        """Executes that many random commands and returns their entries; a refused command has none."""
        before = len(self.entries)
        for step in range(steps):
            self.now += timedelta(minutes=self.dice.randrange(1, 12))
            id_ = uuid5(_NAMES, f"{self._seed} step {before} {step}")
            command = self._random_command(id_, self.dice.choice(list(self.events.values())))
            self._execute(command)
            if isinstance(command, HoldSeats) and self.dice.random() < 0.5:
                by: dict[str, Any] = {"id": uuid5(id_, "pay"), "actor": ORGANIZER, "event_id": command.event_id}
                self._execute(StartPayment(**by, hold_id=command.id, method="demo"))
        return self.entries[before:]

    def hold_with_code(self) -> list[RecordedEntry]:
        """The entries of a hold with a new promo code, of an event that has seats left."""
        before = len(self.entries)
        event = max(self.events.values(), key=lambda event: event.categories[1].available)
        id_ = uuid5(_NAMES, f"{self._seed} code {before}")
        by: dict[str, Any] = {"actor": ORGANIZER, "event_id": event.id}
        self._execute(MakeCodes(**by, id=id_, effect="percent", value=1_250, count=3, max_tickets=6, categories=("General",)))
        code = WantedCode("", CodePlace("", 1, len(event.batches), 0))
        self._execute(HoldSeats(**by, id=uuid5(id_, "hold"), tickets=(WantedSeats("General", 2),), code=code))
        return self.entries[before:]

    def forget(self, entries: int) -> None:
        """The last entries were lost."""
        del self.entries[-entries:]
        self.events = {}
        for recorded in self.entries:
            self.events[recorded.stream] = evolve(self.events.get(recorded.stream), recorded)

    def cancel(self, event: Event) -> None:
        self._execute(CancelEvent(id=uuid5(event.id, "cancel"), actor=ORGANIZER, event_id=event.id))

    def _random_command(self, id_: UUID, event: Event) -> Command:
        by: dict[str, Any] = {"id": id_, "actor": ORGANIZER, "event_id": event.id}
        bookings = ids_of(event.bookings)
        if (about_more := self._random_command_about_more(by, event)) is not None:
            return about_more
        what = self.dice.choices(("book", "cancel", "part", "check in", "change"), (10, 2, 2, 3, 1))[0] if bookings else "book"
        match what:
            case "book":
                tickets = tuple(WantedSeats(name, self.dice.randint(1, 3)) for name in self.dice.sample(["General", "VIP"], 1))
                actor, code = self.dice.choice([*CUSTOMERS, ORGANIZER]), self._random_code(event)
                return BookSeats(**{**by, "actor": actor}, tickets=tickets, code=code)
            case "cancel" | "part":
                part = (self.dice.randrange(3),) if what == "part" else None
                return CancelBooking(**by, booking_id=self.dice.choice(bookings), tickets=part)
            case "check in":
                return CheckIn(**by, booking_id=self.dice.choice(bookings), ticket=self.dice.randrange(3))
            case _:
                changes = {"name": f"Renamed {self.dice.randrange(100)}"}
                categories = [
                    CategoryChange(category_id(event.id, c.number), price=self.dice.randrange(0, 5_000), capacity=c.capacity + 1)
                    for c in event.categories.values()
                ]
                if self.dice.random() < 0.3:
                    categories.append(CategoryChange(None, f"New {id_.hex[:6]}", 700, 5))
                version, pools = event.details_version, self._random_pools(event)
                return ChangeEvent(
                    **by, changes=changes, categories=tuple(categories), pools=pools, expected_details_version=version
                )

    def _random_command_about_more(self, by: dict[str, Any], event: Event) -> Command | None:
        """About holds, codes or payments, often."""
        if self.dice.random() < 0.4:
            return self._random_hold_command(by, event)
        if self.dice.random() < 0.05:
            return self._random_codes_command(by, event)
        return self._random_payment(by, event) if event.money and self.dice.random() < 0.4 else None

    def _random_pools(self, event: Event) -> tuple[PoolChange, ...] | None:
        """One of its categories, none, or as they are."""
        names = [seats.name for seats in event.categories.values()]
        if self.dice.random() < 0.4:
            return None
        shared = tuple(self.dice.sample(names, self.dice.randint(0, len(names))))
        return (PoolChange(None, f"Pool {event.version}", self.dice.randrange(40, 90), shared),) if shared else ()

    def _random_hold_command(self, by: dict[str, Any], event: Event) -> Command:
        """About a hold that may have ended long ago."""
        holds = [known.entry.command for known in self.entries if known.stream == event.id and isinstance(known.entry, e.SeatsHeld)]
        if not holds or self.dice.random() < 0.4:
            tickets = tuple(WantedSeats(name, self.dice.randint(1, 3)) for name in self.dice.sample(["General", "VIP"], 2))
            actor, code = self.dice.choice([*CUSTOMERS, ORGANIZER]), self._random_code(event)
            return HoldSeats(**{**by, "actor": actor}, tickets=tickets, code=code)
        if self.dice.random() < 0.2:
            return LapseHolds(**{**by, "actor": NOBODY})
        if event.details.payment_methods and self.dice.random() < 0.6:
            return self._random_online_payment(by, event, self.dice.choice(holds[-4:]))
        kind: type[HoldCommand] = self.dice.choice((ConfirmHold, ConfirmHold, ExtendHold, ReleaseHold))
        return kind(**by, hold_id=self.dice.choice(holds[-4:]))

    def _random_online_payment(self, by: dict[str, Any], event: Event, hold: UUID) -> Command:
        """The receipt of a payment: sometimes after the hold was given back, sometimes with a wrong amount."""
        of_event = [recorded.entry for recorded in self.entries if recorded.stream == event.id]
        started = [entry for entry in of_event if isinstance(entry, e.PaymentStarted)]
        if not started:
            return ConfirmHold(**by, hold_id=hold)
        entry = self.dice.choice(started[-3:])
        if self.dice.random() < 0.2:
            return ReleaseHold(**by, hold_id=entry.hold_id)
        paid = {**by, "id": uuid5(entry.command, "received"), "actor": NOBODY}
        amount = entry.amount + self.dice.choice([0, 0, 0, 1, -1])
        return ReceivePayment(**paid, hold_id=entry.hold_id, payment_id=entry.command, amount=amount, currency="EUR")

    def _random_payment(self, by: dict[str, Any], event: Event) -> Command:
        """What is due, or part of what can be given back."""
        bookings = ids_of(event.money)
        due = [booking for booking in bookings if event.due(booking)]
        method: e.BoxOfficeMethod = self.dice.choice(["cash", "card"])
        if due and self.dice.random() < 0.8:
            booking = self.dice.choice(due)
            return TakePayment(**by, booking_id=booking, method=method, amount=event.due(booking))
        booking = self.dice.choice(bookings)
        money: BookingMoney = event.money[booking.bytes]
        if any(payment.method == "demo" for payment in money.payments) and (debts := [*debts_of(event, money)]):
            debt = self.dice.choice(debts)
            of: dict[str, Any] = {"refund_id": debt.refund_id, "payment_id": debt.payment_id, "booking_id": booking}
            if self.dice.random() < 0.5:
                return RecordFailedRefund(**{**by, "actor": NOBODY}, **of, reason="declined")
            return RecordRefund(**{**by, "actor": NOBODY}, **of, amount=self.dice.choice([1, debt.amount]))
        amount = max((money.owed or money.kept) // self.dice.choice([1, 1, 3]), 1)
        return GiveRefund(**by, booking_id=booking, method=method, amount=amount, goodwill=True)

    def pay_back(self, event: Event) -> None:
        """A part of what is owed for each second booking."""
        for number, booking in enumerate(ids_of(event.money)):
            money: BookingMoney = event.money[booking.bytes]
            if number % 2 and money.kept + money.owed:
                id_, amount = uuid5(booking, "back"), 1 + (money.kept + money.owed) // 2
                by: dict[str, Any] = {"id": id_, "actor": ORGANIZER, "event_id": event.id}
                self._execute(GiveRefund(**by, booking_id=booking, method="bank", amount=amount))

    def _random_codes_command(self, by: dict[str, Any], event: Event) -> Command:
        if event.batches and self.dice.random() < 0.3:
            return WithdrawCodes(**by, batch_id=batch_id(event.id, self.dice.choice(event.batches).number))
        effects: tuple[CodeEffect, ...] = ("percent", "fixed", "access")
        effect = self.dice.choice(effects)
        categories = ("VIP",) if effect == "access" else self.dice.choice([(), ("General",), ("General", "VIP")])
        value = self.dice.randrange(1, 5_000) * (effect != "access")
        until = self.dice.choice([None, self.now + timedelta(hours=9)])
        return MakeCodes(**by, effect=effect, value=value, count=3, max_tickets=6, categories=categories, valid_until=until)

    def _random_code(self, event: Event) -> WantedCode | None:
        if not event.batches or self.dice.random() < 0.4:
            return None
        batch = self.dice.choice(event.batches).number
        return WantedCode("", CodePlace("", 1, batch, self.dice.randrange(3)))

    def _execute(self, command: Command) -> None:
        event = self.events.get(command.event_id)
        try:
            entries = decide(event, command, self.now)
        except EntryNeeded as needed:
            assert isinstance(command, HoldCommand)
            of_event = (known for known in self.entries if known.stream == command.event_id)
            self._execute(command.with_entry(next(known.entry for known in of_event if known.version == needed.version)))
            return
        except SeatledgerError:
            return
        for entry in entries:
            recorded = RecordedEntry(command.event_id, event.version + 1 if event else 1, entry)
            self.entries.append(recorded)
            event = self.events[command.event_id] = evolve(event, recorded)


#: Each read table, with its primary key.
TABLES = {
    table.name: ", ".join(column.name for column in table.primary_key)
    for projector in PROJECTORS.values()
    for table in map(table_of, projector.tables)
}


def rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all read tables."""
    with engine.connect() as connection:
        return {
            table: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY {key}"))]
            for table, key in TABLES.items()
        }
