"""Exceptions for the problems that programs handle. Each is also the generated exception of its status."""

from typing import Any

from event_sdk.exceptions import ApiException, ConflictException, ForbiddenException, ServiceException, UnprocessableEntityException
from event_sdk.models.problem import Problem


class Refusal(ApiException):
    """An error response. `problem`: its `title`, `detail`, and additional members (`available`, `limit`, …)."""

    @property
    def problem(self) -> Problem:
        assert isinstance(self.data, Problem)
        return self.data

    def __str__(self) -> str:
        return f"{self.status} {self.problem.title}: {self.problem.detail}"


class SoldOut(ConflictException, Refusal):
    """`problem.available` seats are left."""


class CustomerLimit(ConflictException, Refusal):
    """At most `problem.limit` tickets are allowed; the customer holds `problem.held`."""


class BookingTooLarge(ConflictException, Refusal):
    """A booking has at most `problem.limit` tickets."""


class EventNotBookable(ConflictException, Refusal):
    """`problem.reason` is `past`, `cancelled` or `completed`."""


class NotOnSale(ConflictException, Refusal):
    pass


class AlreadyCancelled(ConflictException, Refusal):
    pass


class PriceChanged(ConflictException, Refusal):
    """The tickets cost `problem.total_amount` now."""


class HoldGone(ConflictException, Refusal):
    """The time of the hold was over, and others have its seats: `problem.available` are left."""


class HoldClosed(ConflictException, Refusal):
    """`problem.outcome` of the hold is `confirmed`, `released` or `lapsed`."""


class TooManyHolds(Refusal):
    """At most `problem.limit` holds may be open at once."""


class CodeUnknown(UnprocessableEntityException, Refusal):
    """The event has no such promo code."""


class CodeSpent(ConflictException, Refusal):
    """The promo code is good for `problem.left` tickets more."""


class CodeNotValidNow(ConflictException, Refusal):
    """The promo code is not valid yet or any more, or was withdrawn."""


class CodeNotForCategory(ConflictException, Refusal):
    """The promo code is for `problem.categories`."""


class CodeRequired(ConflictException, Refusal):
    """`problem.category` is sold only with a promo code."""


class EmailUnverified(ForbiddenException, Refusal):
    """The contact's e-mail address must be proven first: `verify_contact`, then `confirm_contact`."""


class Busy(ServiceException, Refusal):
    """Nothing was executed, after all retries."""


class OutcomeUnknown(ServiceException, Refusal):
    """It is unknown, after all retries, whether the command was executed. The same Idempotency-Key finds out."""


class TooManyAttempts(Refusal):
    pass


#: By the last segment of the problem's `type`.
_KINDS: dict[str, type[Refusal]] = {
    "sold-out": SoldOut,
    "customer-limit": CustomerLimit,
    "booking-too-large": BookingTooLarge,
    "event-not-bookable": EventNotBookable,
    "not-on-sale": NotOnSale,
    "already-cancelled": AlreadyCancelled,
    "price-changed": PriceChanged,
    "hold-gone": HoldGone,
    "hold-closed": HoldClosed,
    "too-many-holds": TooManyHolds,
    "code-unknown": CodeUnknown,
    "code-spent": CodeSpent,
    "code-not-valid-now": CodeNotValidNow,
    "code-not-for-category": CodeNotForCategory,
    "code-required": CodeRequired,
    "email-unverified": EmailUnverified,
    "busy": Busy,
    "outcome-unknown": OutcomeUnknown,
    "too-many-attempts": TooManyAttempts,
}


def typed(error: ApiException) -> ApiException:
    """The exception class of this module for a generated exception's problem; the generated exception if there is none."""
    if not isinstance(error.data, Problem):
        return error
    kind = _KINDS.get(error.data.type.rpartition("/")[2])
    if kind is None:
        return error
    typed_error = kind(status=error.status, reason=error.reason, body=error.body, data=error.data)
    headers: Any = error.headers
    typed_error.headers = headers
    return typed_error
