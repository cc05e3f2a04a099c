"""The errors of commands about holds: problems, as those of `errors.py`, but for the last two."""

from typing import ClassVar
from uuid import UUID

from ledger.errors import NotFound, RetryableError, RuleBroken, SeatledgerError, seats_left


class HoldNotFound(NotFound, title="No such hold"):
    """No hold has this id, or it is not yours."""

    def __init__(self) -> None:
        super().__init__("There is no hold with this id, or it is not yours.")


class HoldClosed(RuleBroken, title="Hold has ended"):
    """The hold has ended: see `outcome`. Its seats were booked (`confirmed`) or given back (`released`), or its time was over
    (`lapsed`).

    A lapsed hold can still be confirmed, as long as nobody else has its seats.
    """

    TEXT: ClassVar = {
        "confirmed": "The seats of this hold are booked already.",
        "released": "The seats of this hold were given back.",
        "lapsed": "The time of this hold is over.",
    }

    def __init__(self, outcome: str) -> None:
        super().__init__(self.TEXT[outcome], outcome=outcome)


class HoldGone(RuleBroken, title="Held seats are gone"):
    """The time of the hold was over, and others have its seats: see `available`. Nothing was booked.

    `held`: seats that others hold at the moment, who may give them back.
    """

    def __init__(self, category: str, available: int, held: int) -> None:
        detail = f"The time of this hold is over. {seats_left(category, available, held)}"
        super().__init__(detail, category=category, available=available, held=held)


class ExtensionLimit(RuleBroken, title="No more time"):
    """A hold can be extended at most `limit` times. Confirm it, or hold the seats again later."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"A hold can be extended at most {limit} times.", limit=limit)


class HoldsOff(SeatledgerError, status=403, title="No holds"):
    """This installation makes no holds, pools, codes and payments at the moment, since it is being upgraded. Book in one step."""

    def __init__(self) -> None:
        super().__init__("Seats can't be held at the moment, nor pools, codes or payments made: book in one step.")


class TooManyHolds(RetryableError, status=429):
    """You or your address would have more than `limit` open holds; without a log-in each seat counts. Confirm or release some, or
    try again after `Retry-After` seconds."""

    def __init__(self, limit: int, retry_after_seconds: int) -> None:
        super().__init__(f"At most {limit} holds may be open at once: confirm or release some, or hold fewer seats.", limit=limit)
        self.retry_after_seconds = retry_after_seconds


class HoldTakenOver(SeatledgerError, status=503):
    """Another person pays for the hold now, and it is theirs: what this process knew of it is outdated. No client sees it."""

    def __init__(self, customer_id: UUID | None) -> None:
        super().__init__("The hold is somebody else's now.")
        self.customer_id = customer_id


class EntryNeeded(SeatledgerError, status=503):
    """The hold has ended, so the Event does not know whose it was, which seats it had and how it was to be paid: send the command
    again with the entry of this `version`. No client sees it."""

    def __init__(self, version: int) -> None:
        super().__init__("An entry about the hold has to be read.", version=version)
        self.version = version


class NothingDue(SeatledgerError, status=409):
    """No hold is due. No client sees it."""

    def __init__(self) -> None:
        super().__init__("No hold is due.")
