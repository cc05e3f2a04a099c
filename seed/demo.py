"""The demo's scenario: its people, its events, and who booked what during the last weeks. Times are relative to the day of loading.

The first entry is an upcoming event with categories General and VIP.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from ledger.commands import Role
from ledger.details import Category, Details, GuestCheckout
from ledger.rules import default_guest_checkout

#: The UUID name space of all ids of the demo.
DEMO = UUID("5eed5eed-0000-4000-8000-5ea71ed6e500")
PASSWORD = "demo-password"
#: The hour at which all events of the demo start.
EVENING = 19
#: Name, e-mail address and role of the accounts that can log in.
PEOPLE = (
    ("Ada Admin", "admin@example.test", Role.ADMIN),
    ("Olu Organizer", "organizer@example.test", Role.ORGANIZER),
    ("Aud Auditor", "auditor@example.test", Role.AUDITOR),
    ("Alice Archer", "alice@example.test", Role.CUSTOMER),
    ("Bob Baker", "bob@example.test", Role.CUSTOMER),
)
#: The ids of these accounts, in every installation that has the demo's data.
ACCOUNT_IDS = frozenset(uuid5(DEMO, email) for _, email, _ in PEOPLE)
_NAMES = (
    "Carla", "Dmitri", "Emre", "Fatou", "Goran", "Hana", "Igor", "Jun", "Kemal", "Lena", "Mateo", "Nadia",
    "Oscar", "Priya", "Quinn", "Rosa", "Sven", "Tariq", "Uma", "Viktor", "Wanda", "Xenia", "Yusuf", "Zoe",
)  # fmt: skip
#: Customers of the box office: contacts, for whom nobody logs in.
CUSTOMERS = tuple((name, f"{name.lower()}@example.test") for name in _NAMES)
#: The names of all people. Steps refer to them by index.
NAMES = (*(name for name, _, _ in PEOPLE), *_NAMES)


@dataclass(frozen=True)
class DemoEvent:
    """An event of the demo. Days are relative to today. `sells`: the share of its seats that are sold. `guests`: how people
    book without an account; None: as its limit permits. `api`: the one of the other five APIs through which it is made, or "".
    `is_paid_on_site`: its bookings are paid at the box office."""

    name: str
    venue: str
    description: str
    starts_in_days: float
    scheduled_days_ago: float
    categories: tuple[tuple[str, int, int], ...]  # name, price in minor units, capacity
    hours: float = 3
    timezone: str = "UTC"
    currency: str = "EUR"
    limit: int | None = None
    sells: float = 0.1
    bookings: int = 20
    sales_open_in_days: float | None = None
    ends_as: str = "active"
    checked_in: float = 0.0
    guests: GuestCheckout | None = None
    api: str = ""
    is_paid_on_site: bool = False

    def details(self, now: datetime) -> Details:
        starts_at = self.evening(now, self.starts_in_days)
        opens_at = None if self.sales_open_in_days is None else self.evening(now, self.sales_open_in_days)
        return Details(
            name=self.name, starts_at=starts_at, description=self.description, venue=self.venue,
            ends_at=starts_at + timedelta(hours=self.hours), timezone=self.timezone, sales_open_at=opens_at,
            max_tickets_per_customer=self.limit, sells_after_start=bool(self.api), guest_checkout=self.guest_checkout,
            payment_methods=("box_office",) if self.is_paid_on_site else (),
        )  # fmt: skip

    @property
    def guest_checkout(self) -> GuestCheckout:
        return "off" if self.api else self.guests or default_guest_checkout(self.limit)

    def evening(self, now: datetime, in_days: float) -> datetime:
        """The time when clocks in the event's time zone show EVENING, on the UTC day `in_days` after `now`."""
        day = (now + timedelta(days=in_days)).date()
        wall = datetime.combine(day, time(EVENING), ZoneInfo(self.timezone))
        return wall.astimezone(UTC)

    def price(self, category: str) -> int:
        """In minor units."""
        return next(price for name, price, _ in self.categories if name == category)

    def numbered_categories(self) -> tuple[Category, ...]:
        return tuple(Category(number, *category) for number, category in enumerate(self.categories, 1))


#: The API whose guests are identified by a name, and book one seat at a time.
GUEST_API = "event-booking"
#: The first is scheduled before all others.
DEMO_EVENTS = (
    DemoEvent(
        "Midsummer Night Festival", "Riverside Park", "Three stages, one river, and music until the sun is back.", 30, 63,
        (("General", 5000, 400), ("VIP", 15000, 40)), hours=8, timezone="Europe/Berlin", limit=6, sells=0.35, bookings=70,
    ),
    DemoEvent(
        "Goldberg Variations", "Chamber Hall", "Bach, one piano, forty listeners.", 12, 40,
        (("Stalls", 3200, 30), ("Balcony", 2100, 10)), timezone="Europe/Vienna", limit=4, sells=1.0, bookings=26,
    ),
    DemoEvent(
        "Open Mic Comedy", "Cellar Theatre", "Ten comedians, five minutes each.", 20, 30, (("Seat", 1200, 80),),
        timezone="Europe/Dublin", sells=0.4, bookings=18, ends_as="cancelled", is_paid_on_site=True,
    ),
    DemoEvent(
        "Spring Engineering Conference", "Congress Centre", "Two days on systems that stay up.", -10, 60,
        (("Early bird", 19900, 40), ("Regular", 29900, 80), ("Student", 4900, 20)), hours=30, sells=0.8, bookings=60,
        ends_as="completed", checked_in=0.8,
    ),
    DemoEvent(
        "Community Meetup", "Public Library", "Talks and pizza, free of charge.", 5, 25, (("Free seat", 0, 80),), limit=2,
        sells=0.6, bookings=30,
    ),
    DemoEvent(
        "Harbour City Derby", "North Stadium", "The match of the year.", 60, 20,
        (("North stand", 2500, 4000), ("South stand", 2500, 4000), ("Main stand", 4500, 3500), ("Box", 25000, 60)),
        timezone="Europe/Berlin", limit=10, sells=0.01, bookings=45,
    ),
    DemoEvent(
        "Tokyo Jazz Evening", "Blue Room", "A quartet and a late bar.", 16, 28, (("Table", 8000, 48), ("Bar", 4500, 30)),
        timezone="Asia/Tokyo", currency="JPY", sells=0.5, bookings=16,
    ),
    DemoEvent(
        "Bookbinding Workshop", "Paper Mill", "Make a book by hand. All material included.", 9, 21, (("Place", 8500, 12),), limit=1,
        sells=0.92, bookings=11, guests="off", is_paid_on_site=True,
    ),
    DemoEvent(
        "Winter Gala", "Opera House", "On sale next week.", 90, 3, (("Parquet", 9000, 300), ("Loge", 18000, 60)),
        timezone="Europe/Paris", limit=4, sells=0, bookings=0, sales_open_in_days=7,
    ),
    DemoEvent(
        "Late Night at the Museum", "Museum of Natural History", "Dinosaurs by torchlight.", 1, 18,
        (("Adult", 1800, 150), ("Child", 900, 100)), hours=4, timezone="America/New_York", sells=0.45, bookings=40,
    ),
    DemoEvent(
        "Sunrise Yoga", "", "Bring a mat; it begins whatever the weather.", 8, 15, (("Seat", 0, 20),), sells=0.5, bookings=9,
        api=GUEST_API,
    ),
    DemoEvent("Board Games Night", "", "One table, five chairs.", 15, 14, (("Seat", 0, 5),), sells=1.0, bookings=40, api=GUEST_API),
    DemoEvent("Silent Film", "", "Nosferatu, and a real piano.", 40, 13, (("Seat", 0, 80),), sells=0.3, bookings=18, api=GUEST_API),
)  # fmt: skip


@dataclass(order=True)
class Step:
    """A command of the scenario. `what`: schedule, book, cancel, part (cancels some tickets), check-in, pay, or how an event ends.
    `order`: the step's number, which is the same whenever the demo is loaded."""

    at: datetime
    order: int
    what: str = field(compare=False)
    event: DemoEvent = field(compare=False)
    customer: int = field(compare=False, default=-1)  # in PEOPLE + CUSTOMERS; -1: a walk-in
    quantity: int = field(compare=False, default=0)
    category: str = field(compare=False, default="")
    booking: UUID = field(compare=False, default=DEMO)  # the booking that is cancelled, checked in or paid
    amount: int = field(compare=False, default=0)  # that is paid, in minor units


def event_id(event: DemoEvent) -> UUID:
    return uuid5(DEMO, event.name)


def command_id(step: Step) -> UUID:
    """The same whenever the demo is loaded, so that no step is executed twice. A booking's id is its command's id."""
    return event_id(step.event) if step.what == "schedule" else uuid5(DEMO, f"step {step.order}")


def scenario(now: datetime) -> list[Step]:
    """All steps in the order of their times, the same at each call. Each step makes one entry."""
    random_source, numbers = random.Random(2112), count()
    return sorted(step for event in DEMO_EVENTS for step in _event_steps(event, now, random_source, numbers))


def _event_steps(event: DemoEvent, now: datetime, random_source: random.Random, numbers: Iterator[int]) -> Iterator[Step]:
    scheduled_at = now - timedelta(days=event.scheduled_days_ago)
    until = min(now, event.evening(now, event.starts_in_days)) - timedelta(hours=2)
    ended_at = now - timedelta(days=3) if event.ends_as == "cancelled" else until + timedelta(hours=event.hours + 4)
    until = min(until, ended_at - timedelta(hours=2))
    yield Step(scheduled_at, next(numbers), "schedule", event)
    left = {name: round(capacity * event.sells) for name, _, capacity in event.categories}
    held: dict[int, int] = {}
    booked: list[Step] = []
    for _ in range(event.bookings):
        share = random_source.random() ** 1.5  # most book early
        at = scheduled_at + timedelta(minutes=30) + (until - scheduled_at) * share * 0.97
        step = _booking(event, at, numbers, random_source, left, held)
        if step is None:
            break
        booked.append(step)
        yield step
    if event.sells == 1.0:  # sold out: a walk-in buys the remaining seats at the box office
        for name, seats in left.items():
            if seats and not event.api:
                yield Step(until, next(numbers), "book", event, -1, seats, name)
    else:
        yield from _after_booking(event, booked, until, random_source, numbers)
    if event.ends_as != "active":
        yield Step(ended_at, next(numbers), event.ends_as, event)


def _after_booking(
    event: DemoEvent, booked: list[Step], until: datetime, random_source: random.Random, numbers: Iterator[int]
) -> Iterator[Step]:
    """Some bookings are cancelled, some tickets checked in; on site two of three bookings are paid."""
    for number, step in enumerate(booked):
        booking = command_id(step)
        if random_source.random() < 0.08:
            what = "part" if step.quantity > 1 else "cancel"
            at = min(step.at + timedelta(hours=20), until)
            yield Step(at, next(numbers), what, event, step.customer, booking=booking)
        elif random_source.random() < event.checked_in:
            at = until + timedelta(hours=2, minutes=random_source.randrange(60))
            yield Step(at, next(numbers), "check-in", event, booking=booking)
        elif event.is_paid_on_site and number % 3:
            at = min(step.at + timedelta(hours=3), until)
            amount = step.quantity * event.price(step.category)
            yield Step(at, next(numbers), "pay", event, booking=booking, amount=amount)


def _booking(
    event: DemoEvent, at: datetime, numbers: Iterator[int], random_source: random.Random, left: dict[str, int], held: dict[int, int]
) -> Step | None:
    """The next booking that the event's rules allow, or None when all seats that are to be sold are sold."""
    category = random_source.choice([name for name, seats in left.items() if seats] or [""])
    customer = random_source.choice((3, 4, *range(5, 5 + len(CUSTOMERS)), *range(5, 5 + len(CUSTOMERS)), -1))
    limit = event.limit or 8
    room = limit if customer < 0 else limit - held.get(customer, 0)
    quantity = min(random_source.choice((1, 2, 2, 2, 3, 4)), left.get(category, 0), 1 if event.api else room)
    if event.api:
        customer = max(customer, 3)
    if quantity <= 0:
        return None if not any(left.values()) else _booking(event, at, numbers, random_source, left, held)
    left[category] -= quantity
    held[customer] = held.get(customer, 0) + quantity
    return Step(at, next(numbers), "book", event, customer, quantity, category)
