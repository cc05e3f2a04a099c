"""Random stories: commands over several Events, interleaved as in a ledger, and the rows of the read tables."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import Engine, text

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
    ConfirmHold,
    ExtendHold,
    HoldCommand,
    HoldSeats,
    LapseHolds,
    PoolChange,
    ReleaseHold,
    Role,
    ScheduleEvent,
    WantedSeats,
)
from ledger.decide import decide
from ledger.entries import RecordedEntry
from ledger.errors import SeatledgerError
from ledger.event import Event, category_id
from ledger.evolve import evolve
from ledger.hold_errors import HoldEntryNeeded
from projections.registry import PROJECTORS
from projections.tables import table_of

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ORGANIZER = Actor(UUID(int=0x0E), Role.ORGANIZER)
NOBODY = Actor(None, Role.ADMIN)
CUSTOMERS = [Actor(UUID(int=0xC0 + number), Role.CUSTOMER) for number in range(6)]
_NAMES = UUID(int=0x5707)


class Story:
    """`tell` adds steps to `entries`, which can be appended to a ledger, and to `events`.

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
            details = e.Details(name=f"Event {number}", starts_at=start + timedelta(days=90), max_tickets_per_customer=20)
            categories = (e.Category(1, "General", 1_050, 60), e.Category(2, "VIP", 9_900, 12))
            self._execute(
                ScheduleEvent(id=id_, actor=ORGANIZER, event_id=id_, details=details, currency="EUR", categories=categories)
            )

    def tell(self, steps: int) -> list[RecordedEntry]:
        """Executes that many random commands and returns their entries; a refused command has none."""
        before = len(self.entries)
        for step in range(steps):
            self.now += timedelta(minutes=self.dice.randrange(1, 12))
            id_ = uuid5(_NAMES, f"{self._seed} step {before} {step}")
            self._execute(self._random_command(id_, self.dice.choice(list(self.events.values()))))
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
        bookings = [UUID(bytes=key) for key in event.bookings]  # type: ignore[union-attr]
        if self.dice.random() < 0.4:
            return self._random_hold_command(by, event)
        what = self.dice.choices(("book", "cancel", "part", "check in", "change"), (10, 2, 2, 3, 1))[0] if bookings else "book"
        match what:
            case "book":
                tickets = tuple(WantedSeats(name, self.dice.randint(1, 3)) for name in self.dice.sample(["General", "VIP"], 1))
                return BookSeats(**{**by, "actor": self.dice.choice([*CUSTOMERS, ORGANIZER])}, tickets=tickets)
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
            return HoldSeats(**{**by, "actor": self.dice.choice([*CUSTOMERS, ORGANIZER])}, tickets=tickets)
        if self.dice.random() < 0.2:
            return LapseHolds(**{**by, "actor": NOBODY})
        kind: type[HoldCommand] = self.dice.choice((ConfirmHold, ConfirmHold, ExtendHold, ReleaseHold))
        return kind(**by, hold_id=self.dice.choice(holds[-4:]))

    def _execute(self, command: Command) -> None:
        event = self.events.get(command.event_id)
        try:
            entries = decide(event, command, self.now)
        except HoldEntryNeeded:
            assert isinstance(command, HoldCommand)
            held = (known.entry for known in self.entries if isinstance(known.entry, e.SeatsHeld))
            self._execute(msgspec.structs.replace(command, held=next(entry for entry in held if entry.command == command.hold_id)))
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
