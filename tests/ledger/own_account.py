"""A naive account of what an Event has sold and holds, to compare it with. It knows nothing of lapses, and counts all anew."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from tests.ledger import scenario as s

#: Tickets that a promo code of the account is good for, and what one costs with it.
USES, SHARE_LEFT = 4, Decimal("0.8766")


@dataclass
class Ticket:
    booking: UUID
    number: int
    category: int
    holder: UUID | None
    price: int
    code: int | None = None
    state: str = "active"


@dataclass
class Money:
    """Of a booking that is paid through Seatledger: what came in, what went back, and what the organizer took off the price."""

    received: int = 0
    given_back: int = 0
    waived: int = 0


@dataclass
class OnlinePayment:
    """A payment that was started. `is_received`: its money came in."""

    id: UUID
    amount: int
    is_received: bool = False


@dataclass
class Hold:
    id: UUID
    seats: list[int]
    prices: list[int]
    holder: UUID | None
    ends: datetime
    code: int | None = None
    is_open: bool = True
    extensions: int = 0
    is_released: bool = False
    payment: OnlinePayment | None = None


class OwnAccount:
    """Prices and capacities by number of the category. `pool`: the seats that all categories share; 0: none."""

    def __init__(self) -> None:
        super().__init__()
        self.tickets: list[Ticket] = []
        self.holds: list[Hold] = []
        self.now = s.NOW
        self.status = "active"
        self.paid = self.refunded = 0
        self.is_withdrawn = False
        self.methods: tuple[str, ...] = ()
        self.money: dict[UUID, Money] = {}
        self.price, self.capacity, self.pool = {1: 0, 2: 0}, {1: 0, 2: 0}, 0
        self.limit: int | None = None

    def prices(self, category: int, quantity: int, code: int | None) -> list[int]:
        """What each of these tickets costs now."""
        total = Decimal(self.price[category] * quantity)
        if code is not None:
            total = (total * SHARE_LEFT).quantize(Decimal(1), ROUND_HALF_UP)
        return [int(total) // quantity + (number < int(total) % quantity) for number in range(quantity)]

    def is_acceptable(self, wanted: dict[int, int], holder: UUID | None, code: int | None) -> bool:
        """Whether these seats could be sold now, by category."""
        fits = all(self.taken(c) + self.held(c) + quantity <= self.capacity[c] for c, quantity in wanted.items())
        fits = fits and (not self.pool or self.in_pool() + sum(wanted.values()) <= self.pool)
        if code is not None:
            fits = fits and not self.is_withdrawn and self.uses(code) + sum(wanted.values()) <= USES
        return self.status == "active" and fits and self.is_within_limit(sum(wanted.values()), holder)

    def is_within_limit(self, quantity: int, holder: UUID | None) -> bool:
        has = sum(ticket.state != "cancelled" for ticket in self.tickets if ticket.holder == holder)
        has += sum(len(hold.seats) for hold in self.live_holds() if hold.holder == holder)
        return holder is None or self.limit is None or has + quantity <= self.limit

    def taken(self, category: int) -> int:
        return sum(ticket.category == category and ticket.state != "cancelled" for ticket in self.tickets)

    def held(self, category: int) -> int:
        return sum(hold.seats.count(category) for hold in self.live_holds())

    def in_pool(self) -> int:
        return sum(self.taken(category) + self.held(category) for category in self.capacity)

    def uses(self, code: int) -> int:
        held = sum(len(hold.seats) for hold in self.live_holds() if hold.code == code)
        return held + sum(ticket.code == code and ticket.state != "cancelled" for ticket in self.tickets)

    def is_payable_later(self, prices: list[int], *, at_box_office: bool) -> bool:
        return not sum(prices) or at_box_office or self.methods != ("demo",)

    def sell(self, tickets: list[Ticket], *, is_online: bool = False) -> None:
        self.tickets += tickets
        price = sum(ticket.price for ticket in tickets)
        self.paid += price
        if price and (self.methods or is_online):
            self.money.setdefault(tickets[0].booking, Money())

    def is_sold(self, hold: Hold) -> bool:
        return any(ticket.booking == hold.id for ticket in self.tickets)

    def to_pay(self, booking: UUID) -> int:
        """What the tickets of a booking cost that stand, less what was taken off."""
        if booking not in self.money:
            return 0
        price = sum(ticket.price for ticket in self.tickets if ticket.booking == booking and ticket.state != "cancelled")
        return max(price - self.money[booking].waived, 0)

    def owed(self, booking: UUID) -> int:
        """What has to be given back."""
        money = self.money.get(booking, Money())
        return max(money.received - money.given_back - self.to_pay(booking), 0)

    def due(self, booking: UUID) -> int:
        money = self.money.get(booking, Money())
        return max(self.to_pay(booking) - (money.received - money.given_back), 0)

    def live_holds(self) -> list[Hold]:
        return [hold for hold in self.holds if hold.is_open and hold.ends > self.now] if self.status == "active" else []

    def booking(self, which: int) -> list[Ticket]:
        booking = self.tickets[which % len(self.tickets)].booking
        return [ticket for ticket in self.tickets if ticket.booking == booking]

    def give_back(self, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            self.refunded += ticket.price if ticket.state != "cancelled" else 0
            ticket.state = "cancelled"
