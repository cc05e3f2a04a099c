"""Request bodies of orders, that is of bookings and holds, and of a hold's confirmation. Unknown fields are refused. msgspec
decodes them, since their routes are the busiest.
"""

import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import AfterValidator, ValidationError

from commands.bodies import Body
from ledger.changing import MAX_CAPACITY, MAX_CATEGORIES
from ledger.commands import ConfirmHold, OrderHeldSeats, StartPayment, WantedSeats
from ledger.details import OnlineMethod
from ledger.errors import Malformed
from ledger.field_types import Email, Name


class BoxOfficeCustomer(Body):
    """The customer of a sale at the box office: a contact of the event's organizer."""

    name: Name
    email: Email


#: Web addresses, also without a scheme, since programs for mail make links of them.
_LINK = re.compile(r"://|www\.|[^\W_]\.[^\W\d_]{2,}").search
#: The full stops of other scripts, which programs read as dots of an address (UTS 46), though normalization leaves the first alone.
_DOTS = str.maketrans("\u3002\uff0e\uff61\u06d4", "....")


def _not_a_link(name: str) -> str:
    """Anybody can have a confirmation sent to any address: it must carry no message of theirs."""
    if _LINK(unicodedata.normalize("NFKC", name).casefold().translate(_DOTS)):
        raise ValueError("must be a name, without a web address: put a blank after a full stop")
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


Proof = Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None
ExpectedTotal = Annotated[str, msgspec.Meta(pattern=_TOTAL)] | None


def _normalized(total: str | None) -> str | None:
    """A total in one spelling, so that a retry with another one is the same command."""
    return None if total is None else f"{Decimal(total).normalize():f}"


class NewBooking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new booking, or a hold that becomes one. `customer`, at the box office only: the tickets are for this customer; without
    one, for a walk-in. `contact`, without a log-in only: who books; `proof`: that the contact's e-mail address is theirs.
    `expected_total`: what the tickets cost, as their buyer was told. `code`: a promo code."""

    tickets: Annotated[list[WantedTickets], msgspec.Meta(min_length=1, max_length=MAX_CATEGORIES)]
    customer: dict[str, Any] | None = None
    contact: dict[str, Any] | None = None
    proof: Proof = None
    expected_total: ExpectedTotal = None
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None

    def total(self) -> str | None:
        return _normalized(self.expected_total)

    def wanted(self) -> tuple[WantedSeats, ...]:
        if len({tickets.category for tickets in self.tickets}) < len(self.tickets):
            raise Malformed("Each category is named once.", errors=[{"path": "tickets", "message": "names a category twice"}])
        return tuple(WantedSeats(tickets.category, tickets.quantity) for tickets in self.tickets)


class HoldConfirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`expected_total`; `contact` and `proof`, where the hold does not say yet whose it is: as of `NewBooking`. `token`: of such a
    hold, which becomes the account's."""

    expected_total: ExpectedTotal = None
    contact: dict[str, Any] | None = None
    proof: Proof = None
    token: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None

    def total(self) -> str | None:
        return _normalized(self.expected_total)

    def command(self, ticket_key: int, **fields: Any) -> OrderHeldSeats:
        """`ticket_key`: the newest. `fields`: those that are not in the body."""
        return ConfirmHold(expected_total=self.total(), ticket_key=ticket_key, **fields)


class NewHoldPayment(HoldConfirmation, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`method`: how the held seats are paid; the others are as of `HoldConfirmation`."""

    method: OnlineMethod

    def command(self, ticket_key: int, **fields: Any) -> OrderHeldSeats:
        """Its payment starts; the tickets are made later."""
        return StartPayment(expected_total=self.total(), method=self.method, **fields)


T = TypeVar("T")

_booking_of = msgspec.json.Decoder(NewBooking)
_confirmation_of = msgspec.json.Decoder(HoldConfirmation)
_hold_payment_of = msgspec.json.Decoder(NewHoldPayment)
_ERROR = re.compile(r"(?s)(.*?)(?: - at `\$\.?(.*)`)?")
_FIELD = re.compile(r"(?s)Object (?:contains unknown|missing required) field `(.*)`")
_INDEX = re.compile(r"\[(?:(\d+)|\.\.\.)\]")


def read_booking(body: bytes, content_type: str) -> NewBooking:
    """The body of a booking or a hold. Raises Malformed, with the path of the invalid field."""
    return _read(_booking_of, body, content_type, "The body is not a booking.")


def read_confirmation(body: bytes, content_type: str) -> HoldConfirmation:
    """The body of a hold's confirmation, which may be empty. Raises Malformed, with the path of the invalid field."""
    return _read(_confirmation_of, body, content_type, "The body is not a confirmation.") if body else HoldConfirmation()


def read_hold_payment(body: bytes, content_type: str) -> NewHoldPayment:
    """The body by which a hold is paid. Raises Malformed, with the path of the invalid field."""
    return _read(_hold_payment_of, body, content_type, "The body is not a payment.")


def _read(decoder: msgspec.json.Decoder[T], body: bytes, content_type: str, detail: str) -> T:
    if not content_type.lower().startswith("application/json"):
        raise Malformed("The body is not JSON: send it with Content-Type: application/json.")
    try:
        return decoder.decode(body)
    except UnicodeDecodeError:
        raise Malformed(detail, errors=[{"path": "", "message": "is not UTF-8"}]) from None
    except (msgspec.DecodeError, RecursionError) as error:  # a ValidationError is one too
        raise Malformed(detail, errors=[_parse_error(str(error) or "is nested too deeply")]) from None


def _parse_error(message: str) -> dict[str, str]:
    """A message of msgspec, with the field's path as pydantic writes it: `tickets.0.quantity`."""
    match = _ERROR.fullmatch(message)
    assert match is not None, "any text matches"
    message, path = match[1], _INDEX.sub(lambda index: f".{index[1]}" if index[1] else "", match[2] or "")
    field = _FIELD.fullmatch(message)
    return {"path": ".".join(filter(None, (path, field and field[1]))), "message": message}


def body_of(kind: type[msgspec.Struct], *, required: bool = True) -> dict[str, Any]:
    """What the OpenAPI document says about a body that FastAPI does not know."""
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def order_schemas() -> dict[str, Any]:
    """The JSON Schemas of these bodies."""
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
    contact = {
        "anyOf": [{"$ref": "#/components/schemas/Contact"}, {"type": "null"}],
        "description": "Without a log-in only, where the event's `guest_checkout` permits: who books. A hold needs none before its"
        " confirmation",
    }
    proof = {
        "anyOf": [{"type": "string", "minLength": 1, "maxLength": 100}, {"type": "null"}],
        "description": "With `contact`: what `POST /api/contacts/confirm` answered for its e-mail address",
    }
    token = {
        "anyOf": [{"type": "string", "minLength": 1, "maxLength": 100}, {"type": "null"}],
        "description": "With a log-in only: of a hold that was made without one, and becomes a booking of the account",
    }
    total = {
        "anyOf": [{"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,4})?$"}, {"type": "null"}],
        "description": "What the tickets cost, as you know it: if they cost something else now, nothing is booked (409)",
        "examples": ["25.00"],
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
            "contact": contact,
            "proof": proof,
            "expected_total": total,
            "code": {
                "anyOf": [{"type": "string", "minLength": 1, "maxLength": 100}, {"type": "null"}],
                "description": "A promo code; case, blanks and hyphens do not matter",
            },
        },
    }
    confirmation = {
        "type": "object",
        "title": "HoldConfirmation",
        "additionalProperties": False,
        "properties": {"expected_total": total, "contact": contact, "proof": proof, "token": token},
    }
    methods = {"$ref": "#/components/schemas/OnlineMethod"}
    payment = {
        **confirmation, "title": "NewHoldPayment", "required": ["method"],
        "properties": {"method": methods, "expected_total": total, "contact": contact, "proof": proof, "token": token},
    }  # fmt: skip
    people = {kind.__name__: kind.model_json_schema() for kind in (BoxOfficeCustomer, Contact)}
    return {"NewBooking": booking, "WantedTickets": wanted, "HoldConfirmation": confirmation, "NewHoldPayment": payment, **people}
