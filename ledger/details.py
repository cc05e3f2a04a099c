"""What an Event is offered as: its details, categories and pools, as entries and commands have them. Money is in minor units."""

from datetime import datetime
from typing import Literal

import msgspec

#: How a person without an account books: not at all; by name and e-mail address; the same, once the address is proven.
GuestCheckout = Literal["off", "open", "proven"]
#: How customers can pay online, before anything is booked: by the provider of this name.
OnlineMethod = Literal["demo", "stripe", "bank_transfer"]
#: How customers can pay. `box_office`: on site; until then the booking is due.
PaymentMethod = Literal["box_office", "demo", "stripe", "bank_transfer"]


class Details(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The details of an Event. Times are UTC; `timezone` is the IANA time zone of the venue. Without `starts_at` the Event has an
    open date; `show_at` is the time at which the show begins, if that is not the start. Customers can book until `sales_close_at`
    if it is set, and never from `past_at` on; the box office sells until `past_at`. `sells_after_start`: the start ends no
    sales. `guest_checkout` is off in entries of before there was any. `hold_minutes`: how long seats are held for somebody who is
    still filling in the form or paying. `payment_methods`: how it can be paid through Seatledger, which then accounts for each
    payment; none: payment is taken elsewhere."""

    name: str
    starts_at: datetime | None
    description: str = ""
    venue: str = ""
    ends_at: datetime | None = None
    timezone: str = "UTC"
    sales_open_at: datetime | None = None
    sales_close_at: datetime | None = None
    max_tickets_per_customer: int | None = None
    sells_after_start: bool = False
    show_at: datetime | None = None
    guest_checkout: GuestCheckout = "off"
    hold_minutes: int = 15
    payment_methods: tuple[PaymentMethod, ...] = ()

    @property
    def past_at(self) -> datetime | None:
        """The time from which nobody can book and no customer can cancel: the start, or `sales_close_at` if that is later. None for
        an open date, and for sales after the start without an end. Customers may have to stop before: see `decide.py`."""
        if self.starts_at is None or (self.sells_after_start and self.sales_close_at is None):
            return None
        return max(self.starts_at, self.sales_close_at or self.starts_at)

    @property
    def shape(self) -> int:
        """The oldest shape that can represent these details: 1, which every release can read; 2, with open dates, sales after the
        start and the time of the show; 3, with guests; 4, with other minutes than 15; 5, with payments."""
        if self.payment_methods:
            return 5
        if self.hold_minutes != 15:
            return 4
        if self.guest_checkout != "off":
            return 3
        return 1 if self.starts_at is not None and not self.sells_after_start and self.show_at is None else 2


class Category(msgspec.Struct, frozen=True, gc=False):
    """A seat category. `number` identifies it within its Event and is never used again; `price` is in minor units."""

    number: int
    name: str
    price: int
    capacity: int


class Pool(msgspec.Struct, frozen=True, gc=False):
    """A capacity that categories share: their seats that are taken or held are together never more. `number` identifies it within
    its Event and is never used again; `categories` are their numbers."""

    number: int
    name: str
    capacity: int
    categories: tuple[int, ...]
