"""What one event should have sold, hold and have been paid, as a naive account, to compare the real system with it. It knows when
holds are due, and nothing of their lapses; it counts all anew."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from ledger.views import BookingView

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PRICES = {"General": 5_000, "VIP": 12_000}
#: Of both categories together.
POOL = 7
#: What the promo code takes off a ticket, and for how many it is good.
OFF, USES = 1_000, 3
MAX_TICKETS = 4


@dataclass
class Money:
    """Of a booking: what was received, paid back, and taken off its price out of goodwill."""

    received: int = 0
    paid_back: int = 0
    waived: int = 0


@dataclass
class Hold:
    category: str
    count: int
    owner: UUID | None
    ends: datetime
    has_code: bool = False
    is_open: bool = True
    extensions: int = 0


class ExpectedSales:
    """`tickets`: category and status of each, by booking. `owners`: of bookings. `coded`: the bookings with the promo code."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.status = "active"
        self.capacity = {"General": 6, "VIP": 2}
        self.tickets: dict[UUID, list[tuple[str, str]]] = {}
        self.owners: dict[UUID, UUID | None] = {}
        self.coded: set[UUID] = set()
        self.holds: dict[UUID, Hold] = {}
        self.gross = self.refunded = 0
        self.money: dict[UUID, Money] = defaultdict(Money)

    def note(self, view: BookingView) -> None:
        self.tickets[view.id] = [(ticket.category, ticket.status) for ticket in view.tickets]
        self.owners[view.id] = view.customer_id

    def taken(self, category: str) -> int:
        return sum(name == category and status != "cancelled" for tickets in self.tickets.values() for name, status in tickets)

    def held(self, category: str) -> int:
        return sum(hold.count for hold in self.holds.values() if hold.category == category and self.is_live(hold))

    def is_live(self, hold: Hold) -> bool:
        return hold.is_open and hold.ends > self.now

    def price(self, booking: UUID, category: str) -> int:
        return PRICES[category] - OFF * (booking in self.coded)

    def uses(self) -> int:
        booked = sum(status != "cancelled" for booking in self.coded for _, status in self.tickets.get(booking, ()))
        return booked + sum(hold.count for hold in self.holds.values() if hold.has_code and self.is_live(hold))

    def is_free(self, category: str, count: int, owner: UUID | None, has_code: bool) -> bool:
        """Whether this number of seats can be booked; without an owner by a walk-in."""
        mine = sum(s != "cancelled" for b, tickets in self.tickets.items() if self.owners[b] == owner for _, s in tickets)
        mine += sum(hold.count for hold in self.holds.values() if hold.owner == owner and self.is_live(hold))
        left = self.capacity[category] - self.taken(category) - self.held(category)
        left = min(left, POOL - sum(self.taken(name) + self.held(name) for name in self.capacity))
        uses = self.uses() if has_code else 0
        return count <= left and (owner is None or mine + count <= MAX_TICKETS) and (not has_code or uses + count <= USES)

    def paid_bookings(self) -> list[UUID]:
        return [id_ for id_, money in self.money.items() if money.received]

    def balance(self, booking: UUID) -> int:
        """What was kept of its payments, less what its tickets cost that stand."""
        money = self.money[booking]
        price = sum(self.price(booking, category) for category, status in self.tickets[booking] if status != "cancelled")
        return money.received - money.paid_back - max(price - money.waived, 0)
