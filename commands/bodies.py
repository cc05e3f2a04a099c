"""Request bodies, and the values of commands that are made from them.

Unknown fields are refused. Those of orders: `order_bodies.py`.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Self
from uuid import UUID
from zoneinfo import available_timezones

from iso4217 import Currency
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from ledger.changing import MAX_CAPACITY, MAX_CATEGORIES, MAX_POOLS
from ledger.commands import CategoryChange, PoolChange
from ledger.details import Category, Details, Pool
from ledger.details import PaymentMethod as Method
from ledger.errors import Malformed
from ledger.field_types import LocalEventTime, LongText, Name, Text, from_zone
from ledger.hold_rules import MAX_HOLD_MINUTES
from ledger.money import MAX_PRICE, exponent, to_minor
from ledger.rules import malformed
from ledger.views import GuestCheckout, PaymentMethod, PaymentPolicy

#: Files beside the zones, or of other clocks, which browsers refuse: "localtime" would mean something else on each machine.
_NO_TIMEZONES = re.compile("localtime|Factory|posixrules|(posix|right)/.*").fullmatch


@cache
def _timezones() -> set[str]:
    return {name for name in available_timezones() if not _NO_TIMEZONES(name)}


def _timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError("is not an IANA time zone, such as Europe/Berlin")
    return name


def _currency(code: str) -> str:
    try:
        return str(Currency(code.upper()).code)
    except ValueError:
        raise ValueError("is not an ISO 4217 currency code, such as EUR") from None


def decimal_text(digits: int) -> Callable[[Any], Any]:
    """A validator of decimal strings with this number of digits before the point; pydantic checks numbers."""
    matches = re.compile(rf"\d{{1,{digits}}}(\.\d{{1,4}})?", re.ASCII).fullmatch

    def check(value: Any) -> Any:
        if isinstance(value, str) and not matches(value):
            raise ValueError("must be a decimal number such as 12.50")
        return value

    return check


Venue = Annotated[str, Text(200, at_least=0, is_name=True)]
Timezone = Annotated[str, Text(64), AfterValidator(_timezone)]
CurrencyCode = Annotated[str, Text(3, at_least=3), AfterValidator(_currency)]
Price = Annotated[
    Decimal,
    BeforeValidator(decimal_text(10)),
    Field(ge=0, le=Decimal(MAX_PRICE), max_digits=14, allow_inf_nan=False),
    WithJsonSchema({"type": "string", "format": "number", "examples": ["12.50"], "description": "A number is accepted too"}),
]
Capacity = Annotated[int, Field(ge=1, le=MAX_CAPACITY, strict=True)]
CustomerLimit = Annotated[int, Field(ge=1, le=MAX_CAPACITY, strict=True)]
CategoryNames = Annotated[list[Annotated[str, Text(200)]], Field(max_length=MAX_CATEGORIES)]
HoldMinutes = Annotated[int, Field(ge=1, le=MAX_HOLD_MINUTES, strict=True)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewCategory(Body):
    """A category of a new event."""

    name: Name
    price: Price
    capacity: Capacity


class NewPool(Body):
    """A capacity that categories of a new event share, which are given by name."""

    name: Name
    capacity: Capacity
    categories: CategoryNames


class NewPaymentTerms(Body):
    """How an event is paid: `elsewhere`; or `online`, through Seatledger, by one of the `methods`."""

    policy: PaymentPolicy
    methods: Annotated[list[PaymentMethod], Field(max_length=10)] = []

    @model_validator(mode="after")
    def _check_methods(self) -> Self:
        if (self.policy == "online") != bool(self.methods):
            raise ValueError("online needs methods, elsewhere has none")
        return self

    def sorted_methods(self) -> tuple[Method, ...]:
        return tuple(sorted(set(self.methods)))


class NewEvent(Body):
    """A new event. Without `starts_at` it has an open date. Sales to customers end at `sales_close_at`; without it at the start, or
    never for an open date. The box office sells until `past_at`. Without `guest_checkout` it is `proven` where there is a limit of
    tickets per customer, else `open`. `hold_minutes`: for how long seats are held for somebody who is about to book them.
    A category is in one of the `pools` at most. Without `payment` it is paid elsewhere."""

    name: Name
    starts_at: LocalEventTime | None = None
    categories: Annotated[list[NewCategory], Field(min_length=1, max_length=MAX_CATEGORIES)]
    pools: Annotated[list[NewPool], Field(max_length=MAX_POOLS)] = []
    description: LongText = ""
    venue: Venue = ""
    ends_at: LocalEventTime | None = None
    show_at: LocalEventTime | None = None
    timezone: Timezone = "UTC"
    sales_open_at: LocalEventTime | None = None
    sales_close_at: LocalEventTime | None = None
    currency: CurrencyCode | None = None
    max_tickets_per_customer: CustomerLimit | None = None
    guest_checkout: GuestCheckout | None = None
    hold_minutes: HoldMinutes = 15
    payment: NewPaymentTerms | None = None

    def details(self) -> Details:
        """Times without an offset are in the event's time zone. Raises Malformed for one that does not exist there."""
        sent = {name: getattr(self, name) for name in Details.__struct_fields__ if name in type(self).model_fields}
        if self.guest_checkout is None:
            del sent["guest_checkout"]
        if self.payment is not None:
            sent["payment_methods"] = self.payment.sorted_methods()
        return Details(**in_utc(sent, self.timezone))

    def numbered_categories(self, currency: str) -> tuple[Category, ...]:
        return numbered_categories(self.categories, currency)

    def numbered_pools(self) -> tuple[Pool, ...]:
        """Raises Malformed for a category that the event does not have."""
        numbers = {category.name: number for number, category in enumerate(self.categories, 1)}
        if unknown := {name for pool in self.pools for name in pool.categories} - numbers.keys():
            raise malformed("pools.categories", "no such category", f"The event has no category named {min(unknown)}.")
        return tuple(
            Pool(number, pool.name, pool.capacity, tuple(sorted({numbers[name] for name in pool.categories})))
            for number, pool in enumerate(self.pools, 1)
        )


def numbered_categories(categories: Iterable[NewCategory], currency: str) -> tuple[Category, ...]:
    """The categories of a new event, numbered from 1. Raises Malformed for a price with more decimals than its currency."""
    return tuple(
        Category(number, category.name, to_minor_units(category.price, currency), category.capacity)
        for number, category in enumerate(categories, 1)
    )


def in_utc(values: dict[str, Any], timezone: str) -> dict[str, Any]:
    """The values, with times in UTC. Raises Malformed."""
    converted, errors = dict(values), []
    for name, value in values.items():
        try:
            if isinstance(value, datetime):
                converted[name] = from_zone(value, timezone)
        except (ValueError, OverflowError) as error:
            errors.append({"path": name, "message": str(error)})
    if errors:
        raise Malformed("A time does not exist.", errors=errors)
    return converted


class EditedCategory(Body):
    """A category of an event that is changed. With an `id`: an existing category, whose omitted fields keep their value. Without:
    a new category, which needs all fields."""

    id: UUID | None = None
    name: Name | None = None
    price: Price | None = None
    capacity: Capacity | None = None

    @model_validator(mode="after")
    def _check_new_category(self) -> Self:
        if self.id is None and None in (self.name, self.price, self.capacity):
            raise ValueError("a category without id is new and needs name, price and capacity")
        return self


class EditedPool(Body):
    """A pool of an event that is changed. With an `id`: an existing pool, whose omitted fields keep their value. Without: a new
    pool, which needs all fields. `categories`: all of its categories, each by id or, as those that are new, by name."""

    id: UUID | None = None
    name: Name | None = None
    capacity: Capacity | None = None
    categories: CategoryNames | None = None

    @model_validator(mode="after")
    def _check_new_pool(self) -> Self:
        if self.id is None and None in (self.name, self.capacity, self.categories):
            raise ValueError("a pool without id is new and needs name, capacity and categories")
        return self


class EventChanges(Body):
    """Changes of an event. Omitted fields keep their value; null removes it. `categories` is the whole new list: a category that is
    not in it is removed, and leaves its pool. `pools` likewise.
    With a limit of tickets per customer, `guest_checkout` `open` becomes `proven`."""

    name: Name | None = None
    starts_at: LocalEventTime | None = None
    categories: Annotated[list[EditedCategory], Field(min_length=1, max_length=MAX_CATEGORIES)] | None = None
    pools: Annotated[list[EditedPool], Field(max_length=MAX_POOLS)] | None = None
    description: LongText | None = None
    venue: Venue | None = None
    ends_at: LocalEventTime | None = None
    show_at: LocalEventTime | None = None
    timezone: Timezone | None = None
    sales_open_at: LocalEventTime | None = None
    sales_close_at: LocalEventTime | None = None
    max_tickets_per_customer: CustomerLimit | None = None
    guest_checkout: GuestCheckout | None = None
    hold_minutes: HoldMinutes | None = None
    payment: NewPaymentTerms | None = None

    @model_validator(mode="after")
    def _check_not_null(self) -> Self:
        for name in ("name", "categories", "pools", "timezone", "guest_checkout", "hold_minutes", "payment"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} can't be null")
        return self

    def changes(self, timezone: str) -> dict[str, Any]:
        """The new values of fields of `Details`; null becomes an empty text for `description` and `venue`. `timezone`: the event's
        until now. Raises Malformed for a time that does not exist in its time zone."""
        sent = {name: getattr(self, name) for name in self.model_fields_set if name not in ("categories", "pools", "payment")}
        if self.payment is not None:
            sent["payment_methods"] = self.payment.sorted_methods()
        values = {name: "" if value is None and name in ("description", "venue") else value for name, value in sent.items()}
        return in_utc(values, self.timezone or timezone)

    def category_changes(self, currency: str) -> tuple[CategoryChange, ...] | None:
        if self.categories is None:
            return None
        return tuple(
            CategoryChange(
                category.id,
                category.name,
                None if category.price is None else to_minor_units(category.price, currency),
                category.capacity,
            )
            for category in self.categories
        )

    def pool_changes(self) -> tuple[PoolChange, ...] | None:
        if self.pools is None:
            return None
        return tuple(
            PoolChange(pool.id, pool.name, pool.capacity, None if pool.categories is None else tuple(pool.categories))
            for pool in self.pools
        )


class Cancellation(Body):
    reason: LongText = ""


class TicketIds(Body):
    """Tickets of one booking, by their ids."""

    tickets: Annotated[list[UUID], Field(min_length=1, max_length=1_000)]


class TicketCode(Body):
    """The code of a ticket, as printed or scanned."""

    code: Annotated[str, Text(100)]


def to_minor_units(price: Decimal, currency: str, path: str = "categories.price") -> int:
    """A price in minor units. Raises Malformed if it has more decimals than its currency, or is too high."""
    try:
        amount = to_minor(price, currency)
    except ValueError:
        message = f"{currency} has {exponent(currency)} decimals"
        raise Malformed(f"A price is too exact: {message}.", errors=[{"path": path, "message": message}]) from None
    if amount > MAX_PRICE:
        raise Malformed("A price is too high.", errors=[{"path": path, "message": "is too high"}])
    return amount
