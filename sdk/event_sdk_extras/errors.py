"""Refusals as exceptions, one a problem that a program acts on. Each is the generated exception of its status, too."""

from typing import Any

from event_sdk.exceptions import ApiException, ConflictException, ServiceException
from event_sdk.models.problem import Problem


class Refusal(ApiException):
    """`problem` is what the server said: `title`, `detail`, and what stands beside them (`available`, `limit`, …)."""

    @property
    def problem(self) -> Problem:
        assert isinstance(self.data, Problem)
        return self.data

    def __str__(self) -> str:
        return f"{self.status} {self.problem.title}: {self.problem.detail}"


class SoldOut(ConflictException, Refusal):
    """`problem.available` seats are left."""


class CustomerLimit(ConflictException, Refusal):
    """`problem.limit` tickets are allowed, `problem.held` are held."""


class BookingTooLarge(ConflictException, Refusal):
    """`problem.limit` tickets fit one booking."""


class EventNotBookable(ConflictException, Refusal):
    """`problem.reason` is `past`, `cancelled` or `completed`."""


class NotOnSale(ConflictException, Refusal):
    pass


class AlreadyCancelled(ConflictException, Refusal):
    pass


class Busy(ServiceException, Refusal):
    """Nothing happened, however often it was tried."""


class OutcomeUnknown(ServiceException, Refusal):
    """Whether it happened is not known, however often it was asked. The same Idempotency-Key finds out."""


class TooManyAttempts(Refusal):
    pass


#: By the end of the problem's `type`.
_KINDS: dict[str, type[Refusal]] = {
    "sold-out": SoldOut,
    "customer-limit": CustomerLimit,
    "booking-too-large": BookingTooLarge,
    "event-not-bookable": EventNotBookable,
    "not-on-sale": NotOnSale,
    "already-cancelled": AlreadyCancelled,
    "busy": Busy,
    "outcome-unknown": OutcomeUnknown,
    "too-many-attempts": TooManyAttempts,
}


def typed(error: ApiException) -> ApiException:
    """The exception of the problem that a generated one carries; the generated one itself, where it is of no such kind."""
    if not isinstance(error.data, Problem):
        return error
    kind = _KINDS.get(error.data.type.rpartition("/")[2])
    if kind is None:
        return error
    found = kind(status=error.status, reason=error.reason, body=error.body, data=error.data)
    headers: Any = error.headers
    found.headers = headers
    return found
