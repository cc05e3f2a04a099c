"""Request bodies, and the values of commands that are made from them.

Unknown fields are refused. msgspec decodes the body of a booking, whose route is the busiest; pydantic the others.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Self, TypeVar
from uuid import UUID
from zoneinfo import available_timezones

import msgspec
from iso4217 import Currency
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from ledger.commands import CategoryChange, WantedSeats
from ledger.decide import MAX_CAPACITY, MAX_CATEGORIES
from ledger.entries import Category, Details
from ledger.errors import Malformed
from ledger.field_types import Email, LocalEventTime, LongText, Name, Text, from_zone
from ledger.money import MAX_PRICE, exponent, to_minor
from ledger.selling import MAX_HOLD_MINUTES
from ledger.views import GuestCheckout

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


_PRICE = re.compile(r"\d{1,10}(\.\d{1,4})?", re.ASCII)


def _price(value: Any) -> Any:
    """Checks a decimal string; pydantic checks numbers."""
    if isinstance(value, str) and not _PRICE.fullmatch(value):
        raise ValueError("must be a decimal number such as 12.50")
    return value


Venue = Annotated[str, Text(200, at_least=0, is_name=True)]
Timezone = Annotated[str, Text(64), AfterValidator(_timezone)]
CurrencyCode = Annotated[str, Text(3, at_least=3), AfterValidator(_currency)]
Price = Annotated[
    Decimal,
    BeforeValidator(_price),
    Field(ge=0, le=Decimal(MAX_PRICE), max_digits=14, allow_inf_nan=False),
    WithJsonSchema({"type": "string", "format": "number", "examples": ["12.50"], "description": "A number is accepted too"}),
]
Capacity = Annotated[int, Field(ge=1, le=MAX_CAPACITY, strict=True)]
CustomerLimit = Annotated[int, Field(ge=1, le=MAX_CAPACITY, strict=True)]
HoldMinutes = Annotated[int, Field(ge=1, le=MAX_HOLD_MINUTES, strict=True)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewCategory(Body):
    """A category of a new event."""

    name: Name
    price: Price
    capacity: Capacity


class NewEvent(Body):
    """A new event. Without `starts_at` it has an open date. Sales to customers end at `sales_close_at`; without it at the start, or
    never for an open date. The box office sells until `past_at`. Without `guest_checkout` it is `proven` where there is a limit of
    tickets per customer, else `open`. `hold_minutes`: for how long seats are held for somebody who is about to book them."""

    name: Name
    starts_at: LocalEventTime | None = None
    categories: Annotated[list[NewCategory], Field(min_length=1, max_length=MAX_CATEGORIES)]
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

    def details(self) -> Details:
        """Times without an offset are in the event's time zone. Raises Malformed for one that does not exist there."""
        sent = {name: getattr(self, name) for name in Details.__struct_fields__ if name in type(self).model_fields}
        if self.guest_checkout is None:
            del sent["guest_checkout"]
        return Details(**_in_utc(sent, self.timezone))

    def numbered_categories(self, currency: str) -> tuple[Category, ...]:
        return numbered_categories(self.categories, currency)


def numbered_categories(categories: Iterable[NewCategory], currency: str) -> tuple[Category, ...]:
    """The categories of a new event, numbered from 1. Raises Malformed for a price with more decimals than its currency."""
    return tuple(
        Category(number, category.name, to_minor_units(category.price, currency), category.capacity)
        for number, category in enumerate(categories, 1)
    )


def _in_utc(values: dict[str, Any], timezone: str) -> dict[str, Any]:
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


class EventChanges(Body):
    """Changes of an event. Omitted fields keep their value; null removes it. `categories` is the whole new list: a category that is
    not in it is removed. With a limit of tickets per customer, `guest_checkout` `open` becomes `proven`."""

    name: Name | None = None
    starts_at: LocalEventTime | None = None
    categories: Annotated[list[EditedCategory], Field(min_length=1, max_length=MAX_CATEGORIES)] | None = None
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

    @model_validator(mode="after")
    def _check_not_null(self) -> Self:
        for name in ("name", "categories", "timezone", "guest_checkout", "hold_minutes"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} can't be null")
        return self

    def changes(self, timezone: str) -> dict[str, Any]:
        """The new values of fields of `Details`; null becomes an empty text for `description` and `venue`. `timezone`: the event's
        until now. Raises Malformed for a time that does not exist in its time zone."""
        sent = {name: getattr(self, name) for name in self.model_fields_set if name != "categories"}
        values = {name: "" if value is None and name in ("description", "venue") else value for name, value in sent.items()}
        return _in_utc(values, self.timezone or timezone)

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


class Cancellation(Body):
    reason: LongText = ""


class TicketIds(Body):
    """Tickets of one booking, by their ids."""

    tickets: Annotated[list[UUID], Field(min_length=1, max_length=1_000)]


class TicketCode(Body):
    """The code of a ticket, as printed or scanned."""

    code: Annotated[str, Text(100)]


class BoxOfficeCustomer(Body):
    """The customer of a sale at the box office: a contact of the event's organizer."""

    name: Name
    email: Email


#: Web addresses, also without a scheme, since programs for mail make links of them.
_LINK = re.compile(r"://|www\.|[^\W_]{2,}\.[a-z]{2,}").search


def _not_a_link(name: str) -> str:
    """Anybody can have a confirmation sent to any address: it must carry no message of theirs."""
    if _LINK(name):
        raise ValueError("must be a name, without a web address")
    return name


class Contact(Body):
    """Who books without an account. The confirmation goes to the e-mail address."""

    name: Annotated[Name, AfterValidator(_not_a_link)]
    email: Email


Person = TypeVar("Person", bound=Body)


def read_person(kind: type[Person], path: str, value: dict[str, Any] | None) -> Person:
    """A person in the body of a booking. Raises Malformed, with the path of the invalid field."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        errors = [{"path": ".".join(map(str, (path, *item["loc"]))), "message": item["msg"]} for item in error.errors()]
        raise Malformed("The body is not a booking.", errors=errors) from None


class WantedTickets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number of seats of a category, which is identified by its name or id."""

    category: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=MAX_CAPACITY)]


#: An amount: 10 ^ 15 minor units at most. Python's `$` also matches before a line's end.
_TOTAL = r"^[0-9]{1,15}(\.[0-9]{1,4})?\Z"


class NewBooking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new booking. `customer`, at the box office only: the tickets are for this customer; without one, for a walk-in.
    `contact`, without a log-in only: who books; `proof`: that the contact's e-mail address is theirs. `expected_total`: what the
    tickets cost, as their buyer was told."""

    tickets: Annotated[list[WantedTickets], msgspec.Meta(min_length=1, max_length=MAX_CATEGORIES)]
    customer: dict[str, Any] | None = None
    contact: dict[str, Any] | None = None
    proof: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    expected_total: Annotated[str, msgspec.Meta(pattern=_TOTAL)] | None = None

    def total(self) -> str | None:
        """`expected_total` in one spelling, so that a retry with another one is the same command."""
        return None if self.expected_total is None else f"{Decimal(self.expected_total).normalize():f}"

    def wanted(self) -> tuple[WantedSeats, ...]:
        if len({tickets.category for tickets in self.tickets}) < len(self.tickets):
            raise Malformed("Each category is named once.", errors=[{"path": "tickets", "message": "names a category twice"}])
        return tuple(WantedSeats(tickets.category, tickets.quantity) for tickets in self.tickets)


_decode = msgspec.json.Decoder(NewBooking).decode
_ERROR = re.compile(r"(?s)(.*?)(?: - at `\$\.?(.*)`)?")
_FIELD = re.compile(r"(?s)Object (?:contains unknown|missing required) field `(.*)`")
_INDEX = re.compile(r"\[(?:(\d+)|\.\.\.)\]")


def read_booking(body: bytes, content_type: str) -> NewBooking:
    """The body of a booking. Raises Malformed, with the path of the invalid field."""
    if not content_type.lower().startswith("application/json"):
        raise Malformed("The body is not JSON: send it with Content-Type: application/json.")
    try:
        return _decode(body)
    except UnicodeDecodeError:
        raise Malformed("The body is not a booking.", errors=[{"path": "", "message": "is not UTF-8"}]) from None
    except (msgspec.DecodeError, RecursionError) as error:  # a ValidationError is one too
        raise Malformed("The body is not a booking.", errors=[_parse_error(str(error) or "is nested too deeply")]) from None


def _parse_error(message: str) -> dict[str, str]:
    """A message of msgspec, with the field's path as pydantic writes it: `tickets.0.quantity`."""
    match = _ERROR.fullmatch(message)
    assert match is not None, "any text matches"
    message, path = match[1], _INDEX.sub(lambda index: f".{index[1]}" if index[1] else "", match[2] or "")
    field = _FIELD.fullmatch(message)
    return {"path": ".".join(filter(None, (path, field and field[1]))), "message": message}


BOOKING_SCHEMA = {"$ref": "#/components/schemas/NewBooking"}


def booking_schemas() -> dict[str, Any]:
    """The JSON Schemas of a booking's body, for the OpenAPI document: FastAPI does not know this body."""
    wanted = {
        "type": "object",
        "title": "WantedTickets",
        "required": ["category", "quantity"],
        "additionalProperties": False,
        "properties": {
            "category": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Name or id of a category"},
            "quantity": {"type": "integer", "minimum": 1, "maximum": MAX_CAPACITY},
        },
    }
    items = {"$ref": "#/components/schemas/WantedTickets"}
    booking = {
        "type": "object",
        "title": "NewBooking",
        "required": ["tickets"],
        "additionalProperties": False,
        "properties": {
            "tickets": {"type": "array", "minItems": 1, "maxItems": MAX_CATEGORIES, "items": items},
            "customer": {
                "anyOf": [{"$ref": "#/components/schemas/BoxOfficeCustomer"}, {"type": "null"}],
                "description": "At the box office only: the tickets are for this customer; without one, for a walk-in",
            },
            "contact": {
                "anyOf": [{"$ref": "#/components/schemas/Contact"}, {"type": "null"}],
                "description": "Without a log-in only, where the event's `guest_checkout` permits: who books",
            },
            "proof": {
                "anyOf": [{"type": "string", "minLength": 1, "maxLength": 100}, {"type": "null"}],
                "description": "With `contact`: what `POST /api/contacts/confirm` answered for its e-mail address",
            },
            "expected_total": {
                "anyOf": [{"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,4})?$"}, {"type": "null"}],
                "description": "What the tickets cost, as you know it: if they cost something else now, nothing is booked (409)",
                "examples": ["25.00"],
            },
        },
    }
    people = {kind.__name__: kind.model_json_schema() for kind in (BoxOfficeCustomer, Contact)}
    return {"NewBooking": booking, "WantedTickets": wanted, **people}


def to_minor_units(price: Decimal, currency: str) -> int:
    """A price in minor units. Raises Malformed if it has more decimals than its currency, or is too high."""
    try:
        amount = to_minor(price, currency)
    except ValueError:
        message = f"{currency} has {exponent(currency)} decimals"
        raise Malformed(f"A price is too exact: {message}.", errors=[{"path": "categories.price", "message": message}]) from None
    if amount > MAX_PRICE:
        raise Malformed("A price is too high.", errors=[{"path": "categories.price", "message": "is too high"}])
    return amount
